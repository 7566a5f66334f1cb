#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "adapters/cli/command.h"
#include "adapters/cli/other_user.h"
#include "adapters/cli/status/status.h"
#include "module/config/observe.h"
#include "module/engine/resolver_notes.h"

namespace mtasts::cli {
namespace {

constexpr const char* kTableUser = "opensmtpd";

bool exists(const std::string& user) { return ::getpwnam(user.c_str()) != nullptr; }

// What `user` finds wrong with the configuration or cannot read; empty: nothing. Error kLocalFault: nobody looked.
Result<std::string> found_by(const std::string& user, const std::string& path, const Environment& environment) {
  auto fault = seen_by(user, environment, [&](const Result<void>& became) {
    const auto config = load_config(path);
    if (!became) return became.error().detail;
    return config ? resolver_fault(*config) : config.error().detail;
  });
  if (fault) return fault;
  return fail(fault.error().code, "whether user " + user + " can read the configuration is not known: " +
                                      fault.error().detail + "; try again");
}

// Those who read the configuration themselves: smtpd's user, and Exim's where Exim loads the module, because an ACL
// runs as this user. Also where it cannot be seen whether they do.
std::vector<std::string> users_of_servers(const ConfigOptions& options) {
  std::vector<std::string> users;
  for (const HostStatus& server : look_at_hosts(options.root)) {
    const bool is_unknown = !server.unread.empty();
    if (server.host == "opensmtpd" && (is_unknown || !server.asks.empty()) && exists(kTableUser))
      users.emplace_back(kTableUser);
    const auto user = std::ranges::find_if(options.exim_users, exists);
    if (server.host == "exim" && (is_unknown || server.is_in_process) && user != options.exim_users.end())
      users.push_back(*user);
  }
  return users;
}

// Root can read everything; those who make the lookups cannot.
int check_for_others(const std::string& path, const ConfigOptions& options, const Environment& environment) {
  const auto config = load_config(path);
  if (!config) return complain(environment, config.error().detail, kConfiguration);
  auto users = users_of_servers(options);
  if (exists(config->user))
    users.insert(users.begin(), config->user);
  else
    environment.err << "mtasts: warning: there is no user '" << config->user
                    << "', so root's lookups fail: create it as a system user, or set engine.user\n";
  for (const std::string& user : users) {
    const auto fault = found_by(user, path, environment);
    if (!fault) return complain(environment, fault.error().detail, kTemporary);
    if (!fault->empty()) return complain(environment, *fault, kConfiguration);
  }
  return kApplies;
}

std::vector<std::string> notes_on(const Config& config) {
  std::vector<std::string> notes;
  for (const Observing& one : observing(config)) notes.push_back(one.note);
  for (std::string& note : resolver_notes(config)) notes.push_back(std::move(note));
  return notes;
}

std::string config_text(const std::vector<Setting>& settings, const std::vector<std::string>& notes) {
  std::string text;
  for (const auto& [key, value, origin] : settings) text += key + " = " + value + "  # " + origin + "\n";
  for (const auto& note : notes) text += "# " + note + "\n";
  return text;
}

std::string config_json(const std::vector<Setting>& settings, const std::vector<std::string>& notes) {
  using Json = nlohmann::ordered_json;
  Json json{{"settings", Json::array()}, {"notes", notes}};
  for (const auto& [key, value, origin] : settings)
    json["settings"].push_back({{"key", key}, {"value", value}, {"origin", origin}});
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

// Read with the rights of whoever asks: it must work before the user of lookups exists.
int show_config(const std::string& path, const ConfigOptions& options, const Environment& environment) {
  const auto settings = describe_config(path);
  if (!settings) return complain(environment, settings.error().detail, kConfiguration);
  const auto config = load_config(path);
  const auto notes = config ? notes_on(*config) : std::vector<std::string>();
  environment.out << (options.json ? config_json(*settings, notes) : config_text(*settings, notes));
  return ::geteuid() == 0 ? check_for_others(path, options, environment) : kApplies;
}

}  // namespace mtasts::cli
