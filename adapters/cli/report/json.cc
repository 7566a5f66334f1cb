#include <nlohmann/json.hpp>

#include "adapters/cli/report/render.h"

namespace mtasts::report {
namespace {

using Json = nlohmann::ordered_json;

Json counted(Json object, const Counts& counts) {
  object["successful"] = counts.successful;
  object["failed"] = counts.failed;
  return object;
}

}  // namespace

std::string to_json(const Summary& summary) {
  Json json = counted({{"schema", 1}, {"reports", summary.reports}}, summary.total);
  for (const char* list : {"days", "policies", "senders", "failures", "refused", "conflicts"})
    json[list] = Json::array();
  for (const auto& [day, counts] : summary.days) json["days"].push_back(counted({{"day", day_text(day)}}, counts));
  for (const auto& [names, counts] : ranked_policies(summary))
    json["policies"].push_back(counted({{"type", names[0]}, {"domain", names[1]}}, counts));
  for (const auto& [names, counts] : ranked_senders(summary))
    json["senders"].push_back(counted({{"organization", names[0]}}, counts));
  for (const auto& [names, counts] : ranked_failures(summary))
    json["failures"].push_back({{"type", names[0]}, {"sessions", counts.failed}});
  for (const auto& [file, reason] : summary.refused) json["refused"].push_back({{"file", file}, {"reason", reason}});
  for (const auto& [file, other, organization, id] : summary.conflicts)
    json["conflicts"].push_back({{"file", file}, {"other", other}, {"organization", organization}, {"id", id}});
  constexpr bool kAsciiOnly = true;
  return json.dump(-1, ' ', kAsciiOnly, Json::error_handler_t::replace);
}

}  // namespace mtasts::report
