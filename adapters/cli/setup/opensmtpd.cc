#include <unistd.h>

#include "adapters/cli/setup/marks.h"
#include "adapters/cli/setup/plan.h"
#include "adapters/cli/setup/smtpd_conf.h"

namespace mtasts::setup {
namespace {

constexpr const char* kConfiguration = "/etc/smtpd.conf";
constexpr const char* kUser = "opensmtpd";
constexpr const char* kMadeStore = "made-store";  // a fact: the folder that was not there before

Result<void> restart(const Machine& machine) {
  if (!machine.systemd_runs()) return {};
  const auto active = machine.run({"systemctl", "is-active", "opensmtpd.service"});
  if (!active || !active->ok()) return {};
  if (const auto done = machine.run_ok({"systemctl", "restart", "opensmtpd.service"}); !done)
    return tl::unexpected(done.error());
  const auto answers = machine.run_ok({"smtpctl", "show", "status"});
  return answers ? Result<void>() : tl::unexpected(answers.error());
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
  plan.found.push_back(version(machine) + ", " + kConfiguration);
  if (!machine.exists(MTASTS_OPENSMTPD_TABLE)) {
    plan.refused = std::string(MTASTS_OPENSMTPD_TABLE) + " is missing; install mtasts again";
    return plan;
  }
  const auto config = host_config(machine, wishes);
  if (!config) return tl::unexpected(config.error());
  const auto text = look.without_us(kConfiguration);
  if (!text) return tl::unexpected(text.error());
  if (!*text) return fail(ErrorCode::kConfig, std::string(kConfiguration) + " is missing; configure OpenSMTPD first");
  const SmtpdLines lines = smtpd_lines(**text, wishes.config_path);
  plan.refused = lines.refused;
  plan.by_hand = lines.by_hand;
  if (!lines.refused.empty()) return plan;
  if (lines.text.empty()) {
    plan.notes.push_back(std::string(kConfiguration) +
                         " has a table for mtasts that was added by hand; it is left alone");
    return plan;
  }
  const std::string store = config->opensmtpd.directory;
  if (!machine.exists(store)) plan.facts[kMadeStore] = store;
  plan.changes.push_back({kConfiguration,
                          lines.text,
                          {},
                          [&machine](const std::string& candidate) -> Result<void> {
                            const auto checked = machine.run_ok({"smtpd", "-n", "-f", candidate});
                            return checked ? Result<void>() : tl::unexpected(checked.error());
                          },
                          [&machine, store]() -> Result<void> {
                            if (auto made = make_folder(machine.root(), store, kUser); !made) return made;
                            return restart(machine);
                          }});
  plan.steps.push_back("make " + store + " for the user " + kUser +
                       ", if it is not there, and restart OpenSMTPD if it runs");
  plan.notes.emplace_back(
      "before a later --undo let mail that waits for the action \"mtasts\" go out (\"smtpctl show queue\"): without "
      "the action "
      "smtpd passes over it");
  return plan;
}

}  // namespace

Host opensmtpd_host() {
  return {"opensmtpd", "OpenSMTPD", plan, [](const Machine& machine, const Facts& facts) -> Result<void> {
            const auto store = facts.find(kMadeStore);
            if (auto done = restart(machine); !done) return done;
            if (store != facts.end()) ::rmdir((machine.root() + store->second).c_str());  // what is remembered stays
            return {};
          }};
}

}  // namespace mtasts::setup
