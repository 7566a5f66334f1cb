#include <pwd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "adapters/cli/command.h"
#include "adapters/cli/status/status.h"
#include "module/config/observe.h"
#include "module/engine/resolver_notes.h"
#include "module/io/descriptor.h"

namespace mtasts::cli {
namespace {

constexpr const char* kTableUser = "opensmtpd";
constexpr const char* kTableConfiguration = "/etc/smtpd.conf";

bool exists(const std::string& user) { return ::getpwnam(user.c_str()) != nullptr; }

bool smtpd_uses_mtasts() {
  std::ifstream file(kTableConfiguration);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("table ") && line.find(" mtasts:") != std::string::npos) return true;
  }
  return false;
}

// What `user` finds wrong with the configuration or cannot read; empty: nothing. In a process of its own, because
// root's rights do not come back.
std::string seen_by(const std::string& user, const std::string& path, const Environment& environment) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) return {};
  const Descriptor read_end(ends[0]);
  Descriptor write_end(ends[1]);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto became = environment.become_user(user);
    const auto config = load_config(path);
    const std::string fault = !became   ? became.error().detail
                              : !config ? config.error().detail
                                        : resolver_fault(*config);
    [[maybe_unused]] const auto told = ::write(write_end.get(), fault.data(), fault.size());
    ::_exit(0);
  }
  write_end = Descriptor();
  std::string fault;
  std::array<char, 1024> buffer{};
  for (;;) {
    const auto got = ::read(read_end.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    fault.append(buffer.data(), static_cast<std::size_t>(got));
  }
  while (child > 0 && ::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  return fault;
}

// Exim's user where Exim loads the module: an ACL runs as this user and reads the configuration itself.
std::string exim_user(const ConfigOptions& options) {
  const auto hosts = look_at_hosts(options.root);
  const bool loads_module = std::ranges::any_of(hosts, &HostStatus::is_in_process);
  const auto user = std::ranges::find_if(options.exim_users, exists);
  return loads_module && user != options.exim_users.end() ? *user : std::string();
}

// Root can read everything; those who make the lookups cannot.
int check_for_others(const std::string& path, const ConfigOptions& options, const Environment& environment) {
  const auto config = load_config(path);
  if (!config) return complain(environment, config.error().detail, kConfiguration);
  if (!exists(config->user))
    environment.err << "mtasts: warning: there is no user '" << config->user
                    << "', so root's lookups fail: create it as a system user, or set engine.user\n";
  std::string fault = exists(config->user) ? seen_by(config->user, path, environment) : std::string();
  if (fault.empty() && exists(kTableUser) && smtpd_uses_mtasts()) fault = seen_by(kTableUser, path, environment);
  if (const std::string user = exim_user(options); fault.empty() && !user.empty())
    fault = seen_by(user, path, environment);
  return fault.empty() ? kApplies : complain(environment, fault, kConfiguration);
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
