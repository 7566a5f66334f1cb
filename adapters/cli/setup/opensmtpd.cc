#include <unistd.h>

#include <chrono>
#include <thread>

#include "adapters/cli/setup/marks.h"
#include "adapters/cli/setup/plan.h"
#include "adapters/cli/setup/server_files.h"
#include "adapters/cli/setup/smtpd_conf.h"

namespace mtasts::setup {
namespace {

constexpr const char* kUser = "opensmtpd";
constexpr const char* kService = "opensmtpd.service";
constexpr std::chrono::seconds kStartTime{20};
constexpr const char* kMadeStore = "made-store";  // a fact: the folder that was not there before
constexpr const char* kRan = "smtpd-ran";         // a fact: smtpd was active before

bool is_active(const Machine& machine) {
  if (!machine.systemd_runs()) return false;
  const auto active = machine.run({"systemctl", "is-active", kService});
  return active && active->ok();
}

// To systemd smtpd is started before it opens its control socket, and it answers there a moment before it starts its
// tables, and ends where one of them cannot be started.
Result<void> wait_for_answer(const Machine& machine) {
  constexpr int kInARow = 10;
  const auto deadline = std::chrono::steady_clock::now() + kStartTime;
  for (int in_a_row = 0;;) {
    const auto answers = machine.run_ok({"smtpctl", "show", "status"});
    in_a_row = answers ? in_a_row + 1 : 0;
    if (in_a_row == kInARow) return {};
    if (!answers && (!is_active(machine) || std::chrono::steady_clock::now() > deadline))
      return fail(ErrorCode::kConfig, answers.error().detail + "; see \"journalctl -u " + kService + "\"");
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

// Several setups in a row must not make systemd refuse the last start.
Result<void> restart(const Machine& machine) {
  (void)machine.run({"systemctl", "reset-failed", kService});
  if (const auto done = machine.run_ok({"systemctl", "restart", kService}); !done) return tl::unexpected(done.error());
  return wait_for_answer(machine);
}

std::string version(const Machine& machine) {
  const auto told = machine.run({"smtpd", "-h"});
  if (!told) return "OpenSMTPD";
  for (const std::string& line : lines_of(told->err + told->out)) {
    if (line.starts_with("version:")) return std::string(trimmed(line.substr(line.find(':') + 1)));
  }
  return "OpenSMTPD";
}

Result<Plan> plan(const Look& look, const Wishes& wishes) {
  const Machine& machine = look.machine();
  Plan plan;
  if (machine.find_program("smtpd").empty()) {
    plan.refused = "OpenSMTPD (smtpd) is not installed";
    return plan;
  }
  plan.found.push_back(version(machine) + ", " + kSmtpdConf);
  if (!machine.exists(MTASTS_OPENSMTPD_TABLE)) {
    plan.refused = std::string(MTASTS_OPENSMTPD_TABLE) + " is missing; install mtasts again";
    return plan;
  }
  const auto config = host_config(machine, wishes);
  if (!config) return tl::unexpected(config.error());
  const auto text = look.without_us(kSmtpdConf);
  if (!text) return tl::unexpected(text.error());
  if (!*text) return fail(ErrorCode::kConfig, std::string(kSmtpdConf) + " is missing; configure OpenSMTPD first");
  const SmtpdLines lines = smtpd_lines(**text, wishes.config_path);
  plan.refused = lines.refused;
  plan.by_hand = lines.by_hand;
  if (!lines.refused.empty()) return plan;
  if (lines.text.empty()) {
    plan.notes.push_back(std::string(kSmtpdConf) + " has a table for mtasts that was added by hand; it is left alone");
    return plan;
  }
  const std::string store = config->opensmtpd.directory;
  if (!machine.exists(store)) plan.facts[kMadeStore] = store;
  if (is_active(machine)) plan.facts[kRan] = "yes";
  plan.changes.push_back({kSmtpdConf,
                          lines.text,
                          {},
                          [&machine](const std::string& candidate) -> Result<void> {
                            const auto checked = machine.run_ok({"smtpd", "-n", "-f", candidate});
                            return checked ? Result<void>() : tl::unexpected(checked.error());
                          },
                          [&machine, store]() -> Result<void> {
                            if (auto made = make_folder(machine.root(), store, kUser, kUser); !made) return made;
                            return is_active(machine) ? restart(machine) : Result<void>();
                          }});
  plan.steps.push_back("make " + store + " for the user " + kUser +
                       ", if it is not there, and restart OpenSMTPD if it runs");
  plan.notes.emplace_back(
      "before a later --undo let mail that waits for the action \"mtasts\" go out (\"smtpctl show queue\"): without "
      "the action "
      "smtpd passes over it");
  return plan;
}

// smtpd may have ended by the lines that are gone now: where it ran before, it is started again.
Result<void> settle(const Machine& machine, const Facts& facts) {
  const bool may_start = facts.contains(kRan) && machine.systemd_runs() && !machine.find_program("smtpd").empty();
  if (may_start || is_active(machine)) {
    if (auto done = restart(machine); !done) return done;
  }
  if (const auto store = facts.find(kMadeStore); store != facts.end())
    ::rmdir((machine.root() + store->second).c_str());  // what is cached stays
  return {};
}

}  // namespace

Host opensmtpd_host() { return {"opensmtpd", "OpenSMTPD", plan, settle, {MTASTS_OPENSMTPD_TABLE, "mtasts-opensmtpd"}}; }

}  // namespace mtasts::setup
