#include "adapters/cli/setup/daemon_socket.h"

#include <pwd.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "adapters/cli/setup/marks.h"
#include "module/io/listen_address.h"

namespace mtasts::setup {
namespace {

constexpr const char* kSocket = "mtastsd.socket";
constexpr const char* kEximSocket = "mtastsd-exim.socket";
constexpr const char* kService = "mtastsd.service";
constexpr const char* kYes = "yes";

using Command = std::vector<std::string>;  // of systemctl: a verb and units

// A fact for the way back, such as "mtastsd.socket is-enabled".
std::string state_name(const std::string& unit, const std::string& question) { return unit + " " + question; }

bool is(const Machine& machine, const std::string& unit, const std::string& question) {
  const auto told = machine.run({"systemctl", question, unit});
  return told && told->ok();
}

bool was(const Facts& facts, const std::string& unit, const std::string& question) {
  const auto fact = facts.find(state_name(unit, question));
  return fact != facts.end() && fact->second == kYes;
}

Result<void> control(const Machine& machine, Command words) {
  words.insert(words.begin(), "systemctl");
  const auto done = machine.run_ok(words);
  return done ? Result<void>() : tl::unexpected(done.error());
}

void note_states(Plan& plan, const Machine& machine, const std::vector<std::string>& units) {
  for (const std::string& unit : units) {
    for (const char* question : {"is-enabled", "is-active"})
      plan.facts[state_name(unit, question)] = is(machine, unit, question) ? kYes : "no";
  }
}

Result<void> in_turn(const Machine& machine, const std::vector<Command>& commands) {
  for (const Command& command : commands) {
    if (auto done = control(machine, command); !done) return done;
  }
  return {};
}

// systemd refuses to stop, enable or disable units that were removed with their package.
std::vector<Command> without_removed_units(const Machine& machine, std::vector<Command> commands) {
  std::set<std::string> removed;
  for (const char* unit : {kService, kSocket, kEximSocket}) {
    const auto told = machine.run({"systemctl", "show", "--property=LoadState", "--value", unit});
    if (told && trimmed(told->out) == "not-found") removed.insert(unit);
  }
  std::erase_if(commands, [&](Command& command) {
    const bool names_units = command.size() > 1;
    std::erase_if(command, [&](const std::string& word) { return removed.contains(word); });
    return names_units && command.size() == 1;
  });
  return commands;
}

// By its Also= the service takes mtastsd.socket along. Where that one was disabled mtastsd opens socketmap.listen
// itself, and would not any more from the next start of the machine on.
Result<void> enable_exim_socket(const Machine& machine) {
  const bool has_socket = is(machine, kSocket, "is-enabled");
  const auto enabled = control(machine, {"enable", kEximSocket, kService});
  if (has_socket) return enabled;
  const auto disabled = control(machine, {"disable", kSocket});
  return enabled ? disabled : enabled;
}

}  // namespace

void add_socket_unit(Plan& plan, const Machine& machine, const std::string& group, const std::string& path) {
  std::string text =
      "# Made by \"mtasts setup\": the sockets of mtastsd are for the mail server's group "
      "alone.\n[Socket]\nListenStream=" +
      path + "\nSocketGroup=" + group + "\nSocketMode=0660\n";
  plan.changes.push_back({kSocketDropIn, text, {}, {}, [&machine] { return restart_sockets(machine); }});
  plan.steps.emplace_back("enable and start mtastsd.socket, and see that mtastsd answers");
  note_states(plan, machine, {kSocket, kService});
  const std::string folder = path.substr(0, path.rfind('/'));
  if (!machine.exists(folder)) plan.facts[kSocketFolder] = folder;
  if (was(plan.facts, kService, "is-active") && !was(plan.facts, kSocket, "is-active"))
    plan.notes.emplace_back(
        "mtastsd opens its sockets itself now; from then on those of mtastsd.socket count alone, and socketmap.listen "
        "of "
        "mtasts.toml does not: an address that others ask must be added there with \"systemctl edit mtastsd.socket\"");
}

// Stopped by what systemd still knows of it, so that no socket of the old configuration is left behind.
Result<void> restart_sockets(const Machine& machine) {
  return in_turn(machine, {{"stop", "mtastsd.service", "mtastsd.socket"},
                           {"daemon-reload"},
                           {"enable", "mtastsd.socket", "mtastsd.service"},
                           {"start", "mtastsd.socket"},
                           {"start", "mtastsd.service"}});
}

Result<void> settle_sockets(const Machine& machine, const Facts& facts) {
  if (!facts.contains(state_name(kSocket, "is-enabled")) || !machine.systemd_runs()) return {};
  std::vector<Command> commands = {{"stop", kService, kSocket}, {"daemon-reload"}};
  // The socket last: by its Also= the service takes mtastsd.socket along.
  for (const char* unit : {kService, kSocket})
    commands.push_back({was(facts, unit, "is-enabled") ? "enable" : "disable", unit});
  for (const char* unit : {kSocket, kService}) {
    if (was(facts, unit, "is-active")) commands.push_back({"start", unit});
  }
  auto settled = in_turn(machine, without_removed_units(machine, commands));
  if (const auto folder = facts.find(kSocketFolder); settled && folder != facts.end())
    ::rmdir((machine.root() + folder->second).c_str());
  return settled;
}

void add_exim_socket_unit(Plan& plan, const Machine& machine) {
  plan.steps.emplace_back("enable and start mtastsd-exim.socket and mtastsd.service");
  note_states(plan, machine, {kEximSocket, kService, kSocket});
}

// A service that runs gets no further socket.
Result<void> start_exim_socket(const Machine& machine) {
  if (auto stopped = in_turn(machine, {{"stop", kService, kEximSocket}, {"daemon-reload"}}); !stopped) return stopped;
  if (auto enabled = enable_exim_socket(machine); !enabled) return enabled;
  return in_turn(machine, {{"start", kEximSocket}, {"start", kService}});
}

Result<void> settle_exim_socket(const Machine& machine, const Facts& facts) {
  if (!facts.contains(state_name(kEximSocket, "is-enabled")) || !machine.systemd_runs()) return {};
  const bool has_socket = is(machine, kSocket, "is-enabled");
  const bool is_for_others = has_socket && !was(facts, kSocket, "is-enabled");  // set up since
  std::vector<Command> commands = {{"stop", kService, kEximSocket}};
  commands.push_back({was(facts, kEximSocket, "is-enabled") ? "enable" : "disable", kEximSocket});
  if (!was(facts, kService, "is-enabled") && !is_for_others) {
    commands.push_back({"disable", kService});
    if (has_socket) commands.push_back({"enable", kSocket});  // which went along, by Also=
  }
  if (was(facts, kEximSocket, "is-active")) commands.push_back({"start", kEximSocket});
  if (was(facts, kService, "is-active") || is(machine, kSocket, "is-active")) commands.push_back({"start", kService});
  return in_turn(machine, without_removed_units(machine, commands));
}

Result<void> ping_as(const Machine& machine, const std::string& user, const std::string& address) {
  const std::string setpriv = Machine("").find_program("setpriv");
  if (setpriv.empty()) return fail(ErrorCode::kConfig, "the program setpriv (package util-linux) is not installed");
  const passwd* entry = ::getpwnam(user.c_str());
  if (entry == nullptr) return fail(ErrorCode::kConfig, "there is no user " + user);
  std::error_code unknown;
  const auto myself = std::filesystem::read_symlink("/proc/self/exe", unknown);
  const std::string group = std::to_string(entry->pw_gid);
  std::string where = address;
  if (where.starts_with("unix:")) where.insert(std::string("unix:").size(), machine.root());
  const auto told = machine.run_outside(
      {setpriv, "--reuid", user, "--regid", group, "--clear-groups", myself.string(), "ping", "--socket", where});
  if (!told) return tl::unexpected(told.error());
  if (told->ok()) return {};
  return fail(ErrorCode::kConfig,
              "mtastsd does not answer at " + address + " to the user " + user + ": " + said(*told) +
                  "; see \"systemctl status mtastsd.socket mtastsd.service\" and \"mtasts config\"");
}

Result<std::string> configured_address(const Machine& machine, const Wishes& wishes) {
  if (!wishes.socket.empty()) {
    const auto address = parse_listen_address(wishes.socket);
    return address ? Result<std::string>(address->text) : tl::unexpected(address.error());
  }
  const auto config = host_config(machine, wishes);
  if (!config) return tl::unexpected(config.error());
  if (config->socketmap.listen.empty())
    return fail(ErrorCode::kConfig, "socketmap.listen is empty; name the address of mtastsd with --socket");
  return config->socketmap.listen.front().text;
}

}  // namespace mtasts::setup
