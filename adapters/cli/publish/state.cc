#include "adapters/cli/publish/state.h"

#include <array>
#include <nlohmann/json.hpp>

#include "adapters/cli/check/sha256.h"
#include "core/ascii.h"
#include "core/record.h"

namespace mtasts::publish {
namespace {

using Json = nlohmann::ordered_json;
using check::sha256_hex;

constexpr std::string_view kName = "mtasts-publish ";
constexpr std::string_view kVersion = "1";
constexpr std::string_view kSum = "sum: ";
constexpr std::array kStages{Stage::kTesting, Stage::kEnforceShort, Stage::kEnforce, Stage::kNone, Stage::kGone};

std::int64_t seconds_of(WallTime time) { return time.time_since_epoch().count(); }

Json optional_time(const std::optional<WallTime>& time) { return time ? Json(seconds_of(*time)) : Json(); }

std::vector<std::string> names_of(const std::vector<Domain>& domains) {
  std::vector<std::string> names;
  for (const Domain& domain : domains) names.push_back(domain.text());
  return names;
}

Json to_json(const DomainState& state) {
  return {
      {"name", state.name.text()},
      {"stage", stage_name(state.stage)},
      {"at_aim", state.is_at_aim},
      {"record_withdrawn", state.is_record_withdrawn},
      {"id", state.id},
      {"body", state.body},
      {"since", seconds_of(state.since)},
      {"seen_since", optional_time(state.seen_since)},
      {"longest_max_age", state.longest.count()},
      {"left", seconds_of(state.left)},
      {"retired", state.retired},
      {"keep_until", optional_time(state.keep_until)},
      {"other_served", state.is_other_served},
      {"aliases", names_of(state.aliases)},
  };
}

tl::unexpected<Error> damaged(const std::string& what) { return fail(ErrorCode::kStoreDamaged, what); }

WallTime time_of(const Json& value) { return WallTime(std::chrono::seconds(value.get<std::int64_t>())); }

std::optional<WallTime> optional_time_of(const Json& value) {
  return value.is_null() ? std::nullopt : std::optional(time_of(value));
}

// Throws what nlohmann-json throws for a missing key or another type.
Result<DomainState> read_domain(const Json& entry) {
  const auto name = Domain::parse(entry.at("name").get<std::string>());
  if (!name) return damaged("a name in it is none");
  DomainState state{*name};
  const auto stage = entry.at("stage").get<std::string>();
  const auto* known = std::ranges::find(kStages, stage, stage_name);
  if (known == kStages.end()) return damaged("a stage in it is none");
  state.stage = *known;
  entry.at("at_aim").get_to(state.is_at_aim);
  entry.at("record_withdrawn").get_to(state.is_record_withdrawn);
  entry.at("id").get_to(state.id);
  entry.at("body").get_to(state.body);
  if (state.stage != Stage::kGone && !(is_record_id(state.id) && parse_policy(state.body)))
    return damaged("a policy in it is none");
  state.since = time_of(entry.at("since"));
  state.seen_since = optional_time_of(entry.at("seen_since"));
  state.longest = std::chrono::seconds(entry.at("longest_max_age").get<std::int64_t>());
  state.left = time_of(entry.at("left"));
  entry.at("retired").get_to(state.retired);
  state.keep_until = optional_time_of(entry.at("keep_until"));
  state.is_other_served = entry.value("other_served", false);  // younger than the form
  for (const auto& item : entry.at("aliases").get<std::vector<std::string>>()) {
    auto alias = Domain::parse(item);
    if (!alias) return damaged("an alias in it is no name");
    state.aliases.push_back(std::move(*alias));
  }
  return state;
}

Result<State> read_domains(std::string_view text) {
  try {
    State state;
    const Json entries = Json::parse(text);
    for (const Json& entry : entries) {
      auto domain = read_domain(entry);
      if (!domain) return tl::unexpected(domain.error());
      state.emplace(domain->name.text(), std::move(*domain));
    }
    return state;
  } catch (const Json::exception&) {
    return damaged("it is not what this program writes");
  }
}

}  // namespace

std::string_view stage_name(Stage stage) {
  switch (stage) {
    case Stage::kTesting:
      return "testing";
    case Stage::kEnforceShort:
      return "enforce-short";
    case Stage::kEnforce:
      return "enforce";
    case Stage::kNone:
      return "none";
    case Stage::kGone:
      break;
  }
  return "gone";
}

std::string serialize(const State& state) {
  Json entries = Json::array();
  for (const auto& [name, domain] : state) entries.push_back(to_json(domain));
  std::string text = std::string(kName) + std::string(kVersion) + "\n" + entries.dump(1) + "\n";
  return text + std::string(kSum) + sha256_hex(text) + "\n";
}

Result<State> parse_state(std::string_view bytes) {
  const auto line_end = bytes.find('\n');
  const std::string_view first = bytes.substr(0, line_end);
  if (line_end == std::string_view::npos || !first.starts_with(kName)) return damaged("it is empty or cut off");
  const std::string_view version = first.substr(kName.size());
  if (version != kVersion)
    return fail(ErrorCode::kLocalFault, "another version of mtasts wrote it, in the form " + escaped(version, 20));
  const auto sum_line = bytes.rfind(kSum);
  if (sum_line == std::string_view::npos || sum_line <= line_end) return damaged("it is cut off");
  const std::string_view text = bytes.substr(0, sum_line);
  if (bytes.substr(sum_line + kSum.size()) != sha256_hex(text) + "\n") return damaged("it is cut off or was changed");
  return read_domains(text.substr(line_end + 1));
}

}  // namespace mtasts::publish
