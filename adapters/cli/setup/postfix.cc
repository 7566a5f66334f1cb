#include <pwd.h>

#include <cstdio>

#include "adapters/cli/setup/daemon_socket.h"
#include "adapters/cli/setup/dnssec.h"
#include "adapters/cli/setup/marks.h"
#include "adapters/cli/setup/policy_maps.h"
#include "module/engine/resolver_notes.h"

namespace mtasts::setup {
namespace {

// What postconf(1) says; nothing here is changed by us.
struct Seen {
  std::string version;
  std::string folder;  // /etc/postfix
  std::string queue;   // /var/spool/postfix
  std::string owner;   // whom smtp(8) becomes
  bool in_chroot = false;
};

Result<std::string> postconf(const Machine& machine, std::vector<std::string> words) {
  words.insert(words.begin(), "postconf");
  auto told = machine.run_ok(words);
  return told ? Result<std::string>(trimmed(*told)) : tl::unexpected(told.error());
}

// "smtp/unix/chroot = y"; "-" is "n" since Postfix 3.0.
Result<bool> smtp_in_chroot(const Machine& machine) {
  const auto told = postconf(machine, {"-F", "smtp/unix/chroot"});
  if (!told) return tl::unexpected(told.error());
  return told->ends_with("y");
}

Result<Seen> look_at(const Machine& machine) {
  Seen seen;
  const std::pair<std::string*, const char*> wanted[] = {{&seen.version, "mail_version"},
                                                         {&seen.folder, "config_directory"},
                                                         {&seen.queue, "queue_directory"},
                                                         {&seen.owner, "mail_owner"}};
  for (const auto& [value, name] : wanted) {
    auto told = name == std::string_view("mail_version") ? postconf(machine, {"-d", "-h", name})
                                                         : postconf(machine, {"-h", name});
    if (!told) return tl::unexpected(told.error());
    *value = std::move(*told);
  }
  const auto in_chroot = smtp_in_chroot(machine);
  if (!in_chroot) return tl::unexpected(in_chroot.error());
  seen.in_chroot = *in_chroot;
  return seen;
}

// A path below the queue directory is written relative to it: right for smtp(8) in a chroot and outside of one.
std::string map_of(const std::string& address, const std::string& queue) {
  const std::string below = "unix:" + queue + "/";
  if (address.starts_with(below)) return "socketmap:unix:" + address.substr(below.size());
  return "socketmap:" + address;
}

std::string authorities(const Machine& machine) {
  for (const char* file : {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"}) {
    if (machine.exists(file)) return file;
  }
  return {};
}

class PostfixPlan {
 public:
  PostfixPlan(const Look& look, const Wishes& wishes) : look_(look), machine_(look.machine()), wishes_(wishes) {}

  Result<Plan> make() {
    auto seen = look_at(machine_);
    if (!seen) return tl::unexpected(seen.error());
    seen_ = std::move(*seen);
    main_cf_ = seen_.folder + "/main.cf";
    plan_.found.push_back("Postfix " + seen_.version + ", " + main_cf_ + "; smtp(8) runs " +
                          (seen_.in_chroot ? "in a chroot" : "outside of a chroot"));
    PostfixFacts facts;
    if (std::sscanf(seen_.version.c_str(), "%d.%d", &facts.major, &facts.minor) != 2 || facts.major < 3 ||
        (facts.major == 3 && facts.minor < 4)) {
      plan_.refused = "Postfix " + seen_.version + " cannot use these answers; it takes 3.4 or newer";
      return std::move(plan_);
    }
    if (auto found = find_socket(); !found) return tl::unexpected(found.error());
    if (plan_.refused.empty()) fill(facts);
    if (plan_.refused.empty()) {
      if (auto added = add_main_cf(facts); !added) return tl::unexpected(added.error());
    }
    return std::move(plan_);
  }

 private:
  // With systemd, mtastsd.socket gets one where smtp(8) can reach it; otherwise the administrator has made one.
  Result<void> find_socket() {
    const std::string path = seen_.queue + "/mtasts/socketmap.sock";
    if (machine_.systemd_runs() && wishes_.socket.empty()) {
      address_ = "unix:" + path;
      add_socket_unit(plan_, machine_, group(), path);
      return {};
    }
    const auto address = configured_address(machine_, wishes_);
    if (!address) return tl::unexpected(address.error());
    address_ = *address;
    const std::string needed = "unix:" + path;
    if (seen_.in_chroot && address_.starts_with("unix:") && !address_.starts_with("unix:" + seen_.queue + "/"))
      plan_.refused = "smtp(8) runs in a chroot and cannot reach " + address_ + "; let mtastsd listen at \"" + needed +
                      "\" (socketmap.listen in mtasts.toml, with socket_group = \"" + group() +
                      "\"), start it and run this again with --socket " + needed;
    return {};
  }

  [[nodiscard]] std::string group() const { return seen_.owner; }

  void fill(PostfixFacts& facts) {
    facts.map = map_of(address_, seen_.queue);
    facts.ca_file = authorities(machine_);
    if (facts.ca_file.empty())
      plan_.refused = "there is no file with certificate authorities; \"apt install ca-certificates\" and try again";
    const auto resolv_conf = look_.current(kResolvConf);
    facts.validating_resolver = resolv_conf && *resolv_conf && ad_may_count(**resolv_conf) &&
                                look_at_resolver(**resolv_conf) == ResolverState::kValidates;
  }

  Result<void> add_main_cf(PostfixFacts& facts) {
    const auto now = look_.current(main_cf_);
    if (!now) return tl::unexpected(now.error());
    facts.dnssec_is_set_up = relies_on_dnssec(now->value_or(""));
    const auto text = look_.without_us(main_cf_);
    if (!text) return tl::unexpected(text.error());
    if (!*text) return fail(ErrorCode::kConfig, main_cf_ + " is missing; configure Postfix first");
    const MainCf main_cf(**text);
    PostfixLines lines = postfix_lines(main_cf, facts, wishes_.replace ? OtherMaps::kReplaced : OtherMaps::kKept);
    plan_.refused = lines.refused;
    plan_.notes = std::move(lines.notes);
    if (auto noted = note_environment(); !noted) return noted;
    if (lines.settings.empty()) return {};
    // Whoever is asked must answer before Postfix asks: otherwise mail waits.
    plan_.changes.push_back({main_cf_, main_cf.with(lines.settings), {}, ping(), in_force()});
    plan_.steps.emplace_back("postfix check, and reload if Postfix runs");
    return {};
  }

  [[nodiscard]] std::function<Result<void>(const std::string&)> ping() const {
    return [&machine = machine_, user = seen_.owner, address = address_](const std::string&) {
      return ping_as(machine, user, address);
    };
  }

  [[nodiscard]] std::function<Result<void>()> in_force() const {
    return [&machine = machine_]() -> Result<void> {
      if (const auto checked = machine.run_ok({"postfix", "check"}); !checked) return tl::unexpected(checked.error());
      return reload(machine);
    };
  }

  Result<void> note_environment() {
    const auto master = look_.current(seen_.folder + "/master.cf");
    if (!master) return tl::unexpected(master.error());
    if (*master && (*master)->find("smtp_tls_policy_maps") != std::string::npos)
      plan_.notes.push_back(seen_.folder +
                            "/master.cf names smtp_tls_policy_maps: services with their own value do not ask mtastsd");
    const auto instances = postconf(machine_, {"-h", "multi_instance_directories"});
    if (instances && !instances->empty())
      plan_.notes.push_back("only the default instance is set up; others (" + *instances + ") are not looked at");
    return {};
  }

 public:
  static Result<void> reload(const Machine& machine) {
    const auto runs = machine.run({"postfix", "status"});
    if (!runs || !runs->ok()) return {};
    const auto done = machine.run_ok({"postfix", "reload"});
    return done ? Result<void>() : tl::unexpected(done.error());
  }

 private:
  const Look& look_;
  const Machine& machine_;
  const Wishes& wishes_;
  Plan plan_;
  Seen seen_;
  std::string main_cf_;
  std::string address_;
};

}  // namespace

Host postfix_host() {
  return {"postfix",
          "Postfix",
          [](const Look& look, const Wishes& wishes) { return PostfixPlan(look, wishes).make(); },
          [](const Machine& machine, const Facts& facts) -> Result<void> {
            if (auto reloaded = PostfixPlan::reload(machine); !reloaded) return reloaded;
            return settle_sockets(machine, facts);
          },
          {MTASTS_DAEMON, "mtastsd"}};
}

}  // namespace mtasts::setup
