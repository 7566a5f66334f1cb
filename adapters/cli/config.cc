#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "adapters/cli/command.h"
#include "adapters/cli/status/status.h"
#include "module/config/observe.h"
#include "module/engine/resolver_notes.h"
#include "module/io/child.h"
#include "module/io/descriptor.h"
#include "module/io/read_write.h"

namespace mtasts::cli {
namespace {

constexpr const char* kTableUser = "opensmtpd";

bool exists(const std::string& user) { return ::getpwnam(user.c_str()) != nullptr; }

tl::unexpected<Error> not_seen_by(const std::string& user, const std::string& why) {
  return fail(ErrorCode::kLocalFault,
              "whether user " + user + " can read the configuration is not known: " + why + "; try again");
}

// What `user` finds wrong with the configuration or cannot read; empty: nothing. Error kLocalFault: nobody looked. In
// a process of its own, because root's rights do not come back.
Result<std::string> seen_by(const std::string& user, const std::string& path, const Environment& environment) {
  constexpr char kLooked = '.';  // comes first; a process that dies before has found nothing out
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0)
    return not_seen_by(user, std::string("there is no pipe to a process of that user: ") + std::strerror(errno));
  const Descriptor read_end(ends[0]);
  Descriptor write_end(ends[1]);
  const pid_t child = ::fork();
  if (child < 0)
    return not_seen_by(user, std::string("a process of that user cannot be started: ") + std::strerror(errno));
  if (child == 0) {
    const auto became = environment.become_user(user);
    const auto config = load_config(path);
    const std::string fault = !became   ? became.error().detail
                              : !config ? config.error().detail
                                        : resolver_fault(*config);
    const std::string reply = kLooked + fault;
    [[maybe_unused]] const auto written = ::write(write_end.get(), reply.data(), reply.size());
    ::_exit(0);
  }
  write_end = Descriptor();
  std::string reply;
  static_cast<void>(read_to_end(read_end.get(), reply, std::string::npos));  // what is missing is seen below
  wait_for_end(child);
  if (!reply.starts_with(kLooked)) return not_seen_by(user, "the process of that user ended before it had looked");
  return reply.substr(1);
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
    const auto fault = seen_by(user, path, environment);
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
