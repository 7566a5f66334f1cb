// Debian's Sendmail: a block in sendmail.mc, mtasts.m4 beside it, and the sendmail.cf that m4 makes of them.
#include <unistd.h>

#include <cstdio>

#include "adapters/cli/setup/daemon_socket.h"
#include "adapters/cli/setup/marks.h"
#include "adapters/cli/setup/plan.h"
#include "adapters/cli/setup/sendmail_mc.h"
#include "adapters/cli/setup/server_files.h"

namespace mtasts::setup {
namespace {

constexpr const char* kMc = "/etc/mail/sendmail.mc";
constexpr const char* kM4 = "/etc/mail/mtasts.m4";
constexpr const char* kFeature = "/usr/share/sendmail/cf/feature/sts.m4";
constexpr const char* kUser = "smmta";
constexpr const char* kGroup = "smmsp";  // may read what sendmail.mc includes

// Debian gives /etc/mail to smmta.
const Folder mail_folder{kUser};

std::string program(const Machine& machine) {
  for (const char* path : {"/usr/libexec/sendmail/sendmail", "/usr/lib/sm.bin/sendmail", "/usr/sbin/sendmail"}) {
    if (!machine.find_program(path).empty()) return path;
  }
  return {};
}

// m4 can run commands that a file asks for: never as root where somebody else can write the files.
Result<std::string> make_cf(const Machine& machine, const std::string& mc) {
  const auto made = ::geteuid() == 0 ? machine.run_as(kUser, kGroup, {"m4", "-"}, mc) : machine.run({"m4", "-"}, mc);
  if (!made) return tl::unexpected(made.error());
  if (made->ok() && made->err.empty()) return made->out;
  return fail(ErrorCode::kConfig, "m4 cannot make sendmail.cf: " + said(*made));
}

// Debian's sendmail.service has no reload of its own; service(8) takes the init script then.
Result<void> reload(const Machine& machine) {
  if (machine.systemd_runs()) {
    const auto active = machine.run({"systemctl", "is-active", "sendmail.service"});
    if (!active || !active->ok()) return {};
    const auto done = machine.run_ok({"service", "sendmail", "reload"});
    return done ? Result<void>() : tl::unexpected(done.error());
  }
  const std::string script = machine.find_program("/etc/init.d/sendmail");
  if (script.empty()) return {};
  if (const auto runs = machine.run({script, "status"}); !runs || !runs->ok()) return {};
  const auto done = machine.run_ok({script, "reload"});
  return done ? Result<void>() : tl::unexpected(done.error());
}

// Sendmail asks mtastsd about a name that is nobody's domain; EX_NOHOST is "not found".
Result<void> asks(const Machine& machine, const std::string& sendmail) {
  const auto told = machine.run({sendmail, "-bt"}, "/map sts .\n");
  if (!told) return tl::unexpected(told.error());
  if (told->out.find("no match (68)") != std::string::npos) return {};
  return fail(ErrorCode::kConfig, "Sendmail cannot ask mtastsd: " + said(*told));
}

class SendmailPlan {
 public:
  SendmailPlan(const Look& look, const Wishes& wishes) : look_(look), machine_(look.machine()), wishes_(wishes) {}

  Result<Plan> make() {
    program_ = program(machine_);
    const auto told =
        program_.empty() ? Result<ProgramOutput>(ProgramOutput{}) : machine_.run({program_, "-d0.1", "-bt"});
    if (!told) return tl::unexpected(told.error());
    int major = 0;
    int minor = 0;
    const std::size_t at = told->out.find("Version ");
    if (at == std::string::npos || std::sscanf(told->out.c_str() + at, "Version %d.%d", &major, &minor) != 2) {
      plan_.refused = "Sendmail is not installed";
      return std::move(plan_);
    }
    plan_.found.push_back(
        "Sendmail " + std::string(trimmed(told->out.substr(at + 8, told->out.find('\n', at) - at - 8))) + ", " + kMc);
    if (major != 8 || minor < 17 || !machine_.exists(kFeature)) {
      plan_.refused = std::string("this Sendmail knows nothing of MTA-STS; it takes 8.17 or newer, with ") + kFeature;
      return std::move(plan_);
    }
    if (auto filled = fill(); !filled) return tl::unexpected(filled.error());
    return std::move(plan_);
  }

 private:
  Result<void> fill() {
    const auto mc = look_.without_us(kMc);
    if (!mc) return tl::unexpected(mc.error());
    if (!*mc) return fail(ErrorCode::kConfig, std::string(kMc) + " is missing; \"sendmailconfig\" makes it");
    const SendmailLines lines = sendmail_lines(**mc);
    plan_.refused = lines.refused;
    if (!lines.refused.empty()) return {};
    if (lines.text.empty()) {
      plan_.notes.push_back(std::string(kMc) + " includes mtasts.m4 already; it is left alone");
      return {};
    }
    if (lines.ca_file == CaFile::kOwn)
      plan_.notes.emplace_back(
          "confCACERT stays as it is; mail to domains that enforce a policy waits unless it has the public "
          "authorities");
    if (auto found = find_socket(); !found) return found;
    const auto m4 = m4_text(lines.ca_file);
    if (!m4) return tl::unexpected(m4.error());
    if (plan_.refused.empty()) return add_files(**mc, lines.text, *m4);
    return {};
  }

  Result<void> find_socket() {
    if (machine_.systemd_runs() && wishes_.socket.empty()) {
      const std::string path = "/run/mtasts-sendmail/socketmap.sock";  // Sendmail wants a folder of root's alone
      address_ = "unix:" + path;
      add_socket_unit(plan_, machine_, kUser, path);
      return {};
    }
    const auto address = configured_address(machine_, wishes_);
    if (!address) return tl::unexpected(address.error());
    address_ = *address;
    return {};
  }

  Result<std::string> m4_text(CaFile ca_file) {
    const std::string path = wishes_.data_folder + "/sendmail/mtasts.m4";
    const auto installed = read_file("", path);
    if (!installed) return tl::unexpected(installed.error());
    if (!*installed) return fail(ErrorCode::kConfig, path + " is missing; install mtasts again");
    const std::string text = mtasts_m4(**installed, address_, ca_file);
    const auto now = look_.current(kM4);
    if (!now) return tl::unexpected(now.error());
    if (*now && *now != text && !look_.is_ours(kM4) && !wishes_.replace)
      plan_.refused =
          std::string(kM4) + " is there already and is another one; look at it, and replace it with --replace";
    return text;
  }

  Result<void> add_files(const std::string& old_mc, const std::string& new_mc, const std::string& m4) {
    const auto cf = cf_after(old_mc, with_m4_inside(new_mc, m4));
    if (!cf) return tl::unexpected(cf.error());
    if (!plan_.refused.empty()) return {};
    const auto look_at_cf = [&machine = machine_, sendmail = program_](const std::string& candidate) -> Result<void> {
      const auto read = machine.run_ok({sendmail, "-C", candidate, "-bt"});
      return read ? Result<void>() : tl::unexpected(read.error());
    };
    const auto ping = [&machine = machine_, address = address_](const std::string&) {
      return ping_as(machine, kUser, address);
    };
    plan_.changes.push_back({kM4, m4, mail_folder, ping, {}, false});
    plan_.changes.push_back({kMc, new_mc, mail_folder, {}, {}, false});
    plan_.changes.push_back({kSendmailCf, *cf, mail_folder, look_at_cf,
                             [&machine = machine_, sendmail = program_]() -> Result<void> {
                               if (auto asked = asks(machine, sendmail); !asked) return asked;
                               return reload(machine);
                             },
                             true});
    plan_.steps.emplace_back("see that mtastsd answers, and reload Sendmail if it runs");
    return {};
  }

  // Refuses where sendmail.cf has lines that sendmail.mc does not make: they would be lost.
  Result<std::string> cf_after(const std::string& old_mc, const std::string& new_mc) {
    const auto current = look_.current(kSendmailCf);
    if (!current) return tl::unexpected(current.error());
    auto made = make_cf(machine_, new_mc);
    if (!made) return made;
    const std::string now = current->value_or("");
    if (without_comments(now) == without_comments(*made)) return now;
    if (look_.is_ours(kSendmailCf)) return made;
    auto expected = make_cf(machine_, old_mc);
    if (!expected) return expected;
    if (without_comments(now) != without_comments(*expected))
      plan_.refused = std::string(kSendmailCf) +
                      " is not what sendmail.mc makes, and lines that are only there would be lost; "
                      "\"make -C /etc/mail\" first, or bring them into sendmail.mc";
    return made;
  }

  const Look& look_;
  const Machine& machine_;
  const Wishes& wishes_;
  Plan plan_;
  std::string program_;
  std::string address_;
};

// sendmail.cf as sendmail.mc says now, also where the administrator has made it again in between.
Result<void> settle(const Machine& machine, const Facts& facts) {
  const auto mc = read_file(machine.root(), kMc);
  const auto cf = read_file(machine.root(), kSendmailCf);
  if (!mc || !cf) return tl::unexpected(mc ? cf.error() : mc.error());
  if (*mc) {
    const auto made = make_cf(machine, **mc);
    if (!made) return tl::unexpected(made.error());
    if (without_comments(*made) != without_comments(cf->value_or(""))) {
      if (auto written = write_file(machine.root(), kSendmailCf, *made, mail_folder); !written) return written;
    }
  }
  if (auto reloaded = reload(machine); !reloaded) return reloaded;
  return settle_sockets(machine, facts);
}

}  // namespace

Host sendmail_host() {
  return {"sendmail",
          "Sendmail",
          [](const Look& look, const Wishes& wishes) { return SendmailPlan(look, wishes).make(); },
          settle,
          {MTASTS_DAEMON, "mtastsd"}};
}

}  // namespace mtasts::setup
