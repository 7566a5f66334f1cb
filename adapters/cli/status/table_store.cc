// The store of table-mtasts, which belongs to smtpd's user.
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
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

constexpr std::size_t kMaxDetail = 2'000;
constexpr auto kModes = {Mode::kEnforce, Mode::kTesting, Mode::kNone};

std::int64_t epoch(WallTime time) { return time.time_since_epoch().count(); }

Json time_to_wire(const std::optional<WallTime>& time) { return time ? Json(epoch(*time)) : Json(); }

// Within thousands of years, so that it can be reckoned with.
WallTime moment_of(const Json& json) {
  constexpr std::int64_t kFar = 1'000'000'000'000;
  return from_epoch(std::clamp(json.get<std::int64_t>(), -kFar, kFar));
}

std::optional<WallTime> time_of(const Json& json) {
  return json.is_null() ? std::nullopt : std::optional(moment_of(json));
}

FailingDomain failing_of(const Json& json) {
  return {escaped(json.at("domain").get<std::string>()),
          {error_code(json.at("error").get<std::string>()).value_or(ErrorCode::kInternal),
           escaped(json.at("detail").get<std::string>(), kMaxDetail)},
          moment_of(json.at("retry_at")),
          time_of(json.at("in_force_until"))};
}

StoreStatus store_of(const Json& json) {
  StoreStatus status;
  status.fault = escaped(json.at("fault").get<std::string>(), kMaxDetail);
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
  // An ordinary user may not look into it, as a rule; then nothing is wrong with it.
  if (::geteuid() != 0 && ::access(its.cache_directory.c_str(), R_OK | X_OK) != 0 && errno == EACCES) {
    StoreStatus unseen;
    unseen.directory = its.cache_directory;
    unseen.unseen = its.cache_directory + ": " + std::strerror(EACCES);
    return unseen;
  }
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
