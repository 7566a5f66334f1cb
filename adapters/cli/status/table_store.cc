// The store of table-mtasts, which belongs to smtpd's user.
#include <pwd.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "adapters/cli/other_user.h"
#include "adapters/cli/status/status.h"
#include "module/io/wall_clock.h"

namespace mtasts::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr auto kModes = {Mode::kEnforce, Mode::kTesting, Mode::kNone};

std::int64_t epoch(WallTime time) { return time.time_since_epoch().count(); }

Json time_to_wire(const std::optional<WallTime>& time) { return time ? Json(epoch(*time)) : Json(); }

std::optional<WallTime> time_of(const Json& json) {
  return json.is_null() ? std::nullopt : std::optional(from_epoch(json.get<std::int64_t>()));
}

FailingDomain failing_of(const Json& json) {
  return {json.at("domain"),
          {error_code(json.at("error").get<std::string>()).value_or(ErrorCode::kInternal), json.at("detail")},
          from_epoch(json.at("retry_at").get<std::int64_t>()),
          time_of(json.at("in_force_until"))};
}

StoreStatus store_of(const Json& json) {
  StoreStatus status;
  status.fault = json.at("fault");
  status.domains = json.at("domains");
  status.bytes = json.at("bytes");
  for (const Mode mode : kModes) status.policies[mode] = json.at(std::string(mode_name(mode)));
  status.expired = json.at("expired");
  status.due = json.at("due");
  status.last_round = time_of(json.at("last_round"));
  for (const Json& one : json.at("failing")) status.failing.push_back(failing_of(one));
  return status;
}

// Error kLocalFault: why that is not known.
Result<std::string> owner_of(const std::string& directory) {
  struct stat status {};
  if (::lstat(directory.c_str(), &status) != 0)
    return fail(ErrorCode::kLocalFault, directory + ": " + std::strerror(errno));
  if (const passwd* user = ::getpwuid(status.st_uid)) return std::string(user->pw_name);
  return fail(ErrorCode::kLocalFault,
              directory + " belongs to uid " + std::to_string(status.st_uid) + ", which is no user of this machine");
}

}  // namespace

std::string store_to_wire(const StoreStatus& status) {
  Json json{{"fault", status.fault},     {"domains", status.domains}, {"bytes", status.bytes},
            {"expired", status.expired}, {"due", status.due},         {"last_round", time_to_wire(status.last_round)},
            {"failing", Json::array()}};
  for (const Mode mode : kModes) json[std::string(mode_name(mode))] = status.policies.at(mode);
  for (const FailingDomain& one : status.failing)
    json["failing"].push_back({{"domain", one.domain},
                               {"error", error_name(one.error.code)},
                               {"detail", one.error.detail},
                               {"retry_at", epoch(one.retry_at)},
                               {"in_force_until", time_to_wire(one.in_force_until)}});
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

StoreStatus store_from_wire(const std::string& directory, const std::string& text) {
  StoreStatus status;
  try {
    status = store_of(Json::parse(text));
  } catch (const Json::exception& trouble) {
    status = {};
    status.fault = "what is in " + directory + " is not known: " + trouble.what();
  }
  status.directory = directory;
  return status;
}

StoreStatus look_at_table_store(const Config& config, const Environment& environment) {
  Config its = config;
  its.cache_directory = config.opensmtpd.directory;
  const auto owner = owner_of(its.cache_directory);
  auto seen = owner ? seen_by(*owner, environment,
                              [&](const Result<void>& became) {
                                StoreStatus status;
                                if (!became) {
                                  status.fault = became.error().detail;
                                  return store_to_wire(status);
                                }
                                const auto log = environment.make_log();
                                FileStore store(its.cache_directory, *log);
                                return store_to_wire(look_at_store(store, its, now()));
                              })
                    : Result<std::string>(tl::unexpected(owner.error()));
  if (seen) return store_from_wire(its.cache_directory, *seen);
  StoreStatus status;
  status.directory = its.cache_directory;
  status.fault = "what table-mtasts has cached is not known: " + seen.error().detail;
  return status;
}

}  // namespace mtasts::cli
