// Debian's Exim: three files below conf.d, or three blocks in exim4.conf.template where the configuration is not split.
#include <grp.h>

#include <algorithm>
#include <sstream>

#include "adapters/cli/setup/daemon_socket.h"
#include "adapters/cli/setup/exim_parts.h"
#include "adapters/cli/setup/exim_template.h"
#include "adapters/cli/setup/marks.h"
#include "adapters/cli/setup/plan.h"
#include "adapters/cli/setup/server_files.h"

namespace mtasts::setup {
namespace {

constexpr const char* kAnswers = "/etc/exim4/update-exim4.conf.conf";
constexpr const char* kGroup = MTASTS_EXIM_GROUP;  // the only one that Exim's processes have, beside root's
// Its domain has no dot, so mtasts looks nothing up, and ends in a hyphen, so Exim does not ask DNS for it either: on a
// machine that is offline, too, it is routed at once.
constexpr const char* kTestAddress = "postmaster@invalid-";

// How Exim gets at policies: by functions of a module, or from mtastsd.
enum class Way { kFunction, kSocket };

// The answers to "dpkg-reconfigure exim4-config", a file of the shell's: KEY='value'.
std::string answer(const std::string& text, const std::string& key) {
  std::string value;
  for (const std::string& line : lines_of(text)) {
    const std::string_view words = trimmed(line);
    if (!words.starts_with(key + "=")) continue;
    value = words.substr(key.size() + 1);
    std::erase_if(value, [](char c) { return c == '\'' || c == '"'; });
  }
  return value;
}

std::string line_with(const std::string& text, const std::string& words) {
  for (const std::string& line : lines_of(text)) {
    if (line.find(words) != std::string::npos) return std::string(trimmed(line));
  }
  return {};
}

Result<void> reload(const Machine& machine) {
  if (machine.systemd_runs()) {
    const auto active = machine.run({"systemctl", "is-active", "exim4.service"});
    if (!active || !active->ok()) return {};
    const auto done = machine.run_ok({"systemctl", "reload", "exim4.service"});
    return done ? Result<void>() : tl::unexpected(done.error());
  }
  const std::string script = machine.find_program("/etc/init.d/exim4");
  if (script.empty()) return {};
  if (const auto runs = machine.run({script, "status"}); !runs || !runs->ok()) return {};
  const auto done = machine.run_ok({script, "reload"});
  return done ? Result<void>() : tl::unexpected(done.error());
}

// update-exim4.conf(8) has Exim look at the new configuration before it is in force.
Result<void> generate(const Machine& machine) {
  const auto done = machine.run_ok({"update-exim4.conf"});
  return done ? Result<void>() : tl::unexpected(done.error());
}

// Routers ask as root, ACLs as Exim's user.
Result<void> share(const Machine& machine, const std::string& store, const std::string& user) {
  if (!machine.exists(store) || ::getgrnam(kGroup) == nullptr) return {};
  return make_folder(machine.root(), store, user, kGroup);
}

class EximPlan {
 public:
  EximPlan(const Look& look, const Wishes& wishes) : look_(look), machine_(look.machine()), wishes_(wishes) {}

  Result<Plan> make() {
    if (machine_.find_program("exim4").empty()) {
      plan_.refused =
          "Debian's Exim (exim4) is not installed; for another one, /usr/share/doc/mtasts/exim.md has the lines";
      return std::move(plan_);
    }
    if (auto looked = look_at_exim(); !looked) return tl::unexpected(looked.error());
    if (plan_.refused.empty()) {
      if (auto filled = fill(); !filled) return tl::unexpected(filled.error());
    }
    return std::move(plan_);
  }

 private:
  void refuse(std::string why) { plan_.refused = std::move(why); }

  Result<void> look_at_exim() {
    const auto told = machine_.run_ok({"exim4", "-bV"});
    if (!told) return tl::unexpected(told.error());
    plan_.found.push_back(line_with(*told, "Exim version"));
    if (told->find("Expand_dlfunc") == std::string::npos) {
      way_ = Way::kSocket;
      plan_.found.emplace_back("it cannot load functions, so it is to ask mtastsd by a socket");
    } else if (machine_.exists(MTASTS_DAEMON) && !has_module()) {
      way_ = Way::kSocket;
      plan_.found.emplace_back("the module with the functions is not installed, so it is to ask mtastsd by a socket");
    }
    if (const std::string used = line_with(*told, "Configuration file is "); !used.ends_with(kEximGenerated)) {
      refuse("Exim does not use the configuration that update-exim4.conf makes (" + used +
             "); put the parts of exim4.conf between \"MTA-STS\" and \"end of MTA-STS\" into yours, see "
             "/usr/share/doc/mtasts/exim.md");
      plan_.by_hand = "The file to take them from: /usr/share/doc/mtasts/examples/" + folder() + "/exim4.conf\n";
    }
    return {};
  }

  // Without the file that names it, add_parts() says what is missing.
  [[nodiscard]] bool has_module() const {
    const auto text = read_file("", wishes_.data_folder + "/exim/" + exim_parts(EximKind::kInternet).front().source);
    return !text || !*text || machine_.exists(place_in(**text, "MTASTS_SO = "));
  }

  // The path that a macro has in a file of ours.
  static std::string place_in(const std::string& text, const std::string& macro) {
    const std::string line = line_with(text, macro);
    const std::size_t begin = line.find('/');
    return begin == std::string::npos ? std::string() : line.substr(begin);
  }

  Result<void> fill() {
    const auto answers = look_.current(kAnswers);
    if (!answers) return tl::unexpected(answers.error());
    if (!*answers)
      return fail(ErrorCode::kConfig, std::string(kAnswers) + " is missing; \"dpkg-reconfigure exim4-config\"");
    const std::string type = answer(**answers, "dc_eximconfig_configtype");
    const bool is_split = answer(**answers, "dc_use_split_config") == "true";
    plan_.found.push_back("mail goes out as \"" + type + "\", the configuration is " +
                          (is_split ? "split" : "in one file"));
    if (type == "local") {
      plan_.notes.emplace_back("this machine sends no mail to others, so there is nothing to protect");
      return {};
    }
    const bool has_smarthost = type == "smarthost" || type == "satellite";
    if (!has_smarthost && type != "internet") {
      refuse("the configuration type \"" + type +
             "\" is the administrator's own; /usr/share/doc/mtasts/exim.md has the lines");
      return {};
    }
    if (has_smarthost && !is_one_host(answer(**answers, "dc_smarthost"))) {
      refuse(
          "dc_smarthost names several hosts, and the policy of one only can be looked at; see "
          "/usr/share/doc/mtasts/examples/exim/smarthost");
      return {};
    }
    return add_parts(has_smarthost ? EximKind::kSmarthost : EximKind::kInternet, is_split);
  }

  // "host", "host::port"; several are separated by ";" or a single ":".
  static bool is_one_host(std::string host) {
    if (const std::size_t port = host.find("::"); port != std::string::npos) host.erase(port);
    return !host.empty() && host.find_first_of(":;") == std::string::npos;
  }

  Result<void> add_parts(EximKind kind, bool is_split) {
    std::vector<std::string> texts;
    for (const EximPart& part : exim_parts(kind)) {
      const std::string path = wishes_.data_folder + "/" + folder() + "/" + part.source;
      auto text = read_file("", path);
      if (!text) return tl::unexpected(text.error());
      if (!*text) return fail(ErrorCode::kConfig, path + " is missing; install mtasts again");
      texts.push_back(std::move(**text));
    }
    place_ = place_in(texts.front(), way_ == Way::kFunction ? "MTASTS_SO = " : "MTASTS_DAEMON = ");
    if (way_ == Way::kFunction && !machine_.exists(place_))
      return fail(ErrorCode::kConfig, "neither mtastsd nor the module " + place_ +
                                          " is installed; on Debian: apt install mtastsd, or mtasts-exim");
    if (auto added = is_split ? add_files(kind, texts) : add_blocks(kind, texts); !added) return added;
    if (plan_.changes.empty()) return {};
    const auto config = host_config(machine_, wishes_);
    if (!config) return tl::unexpected(config.error());
    const auto check = [this_machine = &machine_, question = question(), kind, advice = advice()]() -> Result<void> {
      const auto done = works(*this_machine, question, kind);
      if (done) return done;
      return fail(done.error().code, done.error().detail + advice);
    };
    plan_.changes.back().then = [this_machine = &machine_, check, prepare = prepare(*config)]() {
      Result<void> done = prepare();
      if (done) done = generate(*this_machine);
      if (done) done = check();
      return done ? reload(*this_machine) : done;
    };
    plan_.changes.back().still_works = check;
    plan_.steps.push_back("update-exim4.conf, see that " +
                          std::string(way_ == Way::kFunction ? "Exim loads the module" : "mtastsd answers Exim") +
                          " and that an address can be routed, and reload if Exim's daemon runs");
    return {};
  }

  // What the questions need to be answered.
  std::function<Result<void>()> prepare(const Config& config) {
    if (way_ == Way::kFunction) {
      plan_.steps.push_back("let the group " + std::string(kGroup) + " read " + config.cache_directory);
      return [this_machine = &machine_, user = config.user, store = config.cache_directory] {
        return share(*this_machine, store, user);
      };
    }
    if (machine_.systemd_runs()) {
      if (!machine_.exists(MTASTS_DAEMON))
        plan_.refused = MTASTS_DAEMON " is not installed; on Debian: apt install mtastsd";
      add_exim_socket_unit(plan_, machine_);
      return [this_machine = &machine_] { return start_exim_socket(*this_machine); };
    }
    plan_.notes.push_back("mtastsd must run and listen there: listen = [\"unix:" + place_ +
                          "\"] in the section [exim] of mtasts.toml");
    return []() -> Result<void> { return {}; };
  }

  // What Exim expands to "" when all is well: a name without a dot has no policy, and nobody is asked.
  [[nodiscard]] std::string question() const {
    return way_ == Way::kFunction
               ? "${dlfunc{" + place_ + "}{mta_sts_route}{localhost}}"
               : "${sg{${readsocket{" + place_ + "}{route localhost\\n}{10s}{\\n}}}{\\N^OK \\n\\N}{}}";
  }

  [[nodiscard]] std::string advice() const {
    const bool is_by_unit = way_ == Way::kSocket && machine_.systemd_runs();
    return is_by_unit ? "; see \"systemctl status mtastsd-exim.socket mtastsd.service\"" : "";
  }

  [[nodiscard]] std::string folder() const { return way_ == Way::kFunction ? "exim" : "exim-socket"; }

  Result<void> add_files(EximKind kind, const std::vector<std::string>& texts) {
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const std::string path = std::string("/etc/exim4/conf.d/") + exim_parts(kind)[i].target;
      const auto now = look_.current(path);
      if (!now) return tl::unexpected(now.error());
      if (*now && *now != texts[i] && !look_.is_ours(path) && !wishes_.replace) {
        refuse(
            path +
            " is there already and differs from the file of this version; look at it, and replace it with --replace");
        return {};
      }
      plan_.changes.push_back({path, texts[i], {}, {}, {}});
    }
    return note_own_options("/etc/exim4/conf.d/transport/30_exim4-config_remote_smtp");
  }

  Result<void> add_blocks(EximKind kind, const std::vector<std::string>& texts) {
    const auto base = look_.without_us(kEximTemplate);
    if (!base) return tl::unexpected(base.error());
    if (!*base)
      return fail(ErrorCode::kConfig,
                  std::string(kEximTemplate) + " is missing; \"update-exim4.conf.template -r\" makes it");
    std::string text = **base;
    if (text.find("mta_sts_policy:") != std::string::npos ||
        text.find("mta_sts_smarthost_policy:") != std::string::npos) {
      plan_.notes.push_back(std::string(kEximTemplate) +
                            " has routers for MTA-STS that were added by hand; they are left alone");
      return {};
    }
    for (std::size_t i = 0; i < texts.size(); ++i) {
      auto changed = insert_before_section(text, exim_parts(kind)[i].section, marked_block("#", "exim", texts[i]));
      if (!changed) {
        refuse(std::string(kEximTemplate) + " has no section \"" + exim_parts(kind)[i].section +
               "\"; add the parts by hand (/usr/share/doc/mtasts/exim.md), or let \"dpkg-reconfigure exim4-config\" "
               "split the "
               "configuration");
        return {};
      }
      text = std::move(*changed);
    }
    plan_.changes.push_back({kEximTemplate, text, {}, {}, {}});
    plan_.notes.emplace_back(
        "the next upgrade of exim4-config may ask about exim4.conf.template: keep yours, then run this again");
    return note_own_options(kEximTemplate);
  }

  // What the administrator wrote into remote_smtp itself is not in the transports for MTA-STS.
  Result<void> note_own_options(const std::string& path) {
    const auto text = look_.without_us(path);
    if (!text) return tl::unexpected(text.error());
    for (const std::string& option : own_options(text->value_or(""), "remote_smtp")) {
      plan_.notes.push_back("the transport remote_smtp has the line \"" + option +
                            "\"; mail to domains with a policy goes by remote_smtp_mta_sts, which does not");
    }
    return {};
  }

  // Exim reads the whole list of routers, and asks by what the administrator's macros name: perhaps another module or
  // socket than this setup's. That the address has no host, or that the policy of a smarthost is not to be had now, is
  // no fault of the configuration; an answer of mtasts begins with "MTA-STS: ".
  static Result<void> routes(const Machine& machine, const std::string& router) {
    const auto tested = machine.run({"exim4", "-bt", kTestAddress});
    if (!tested && tested.error().code == ErrorCode::kDeadline) return {};  // DNS is silent about the smarthost
    if (!tested) return tl::unexpected(tested.error());
    const std::size_t failure = tested->out.find("failed in " + router + " router: ");
    const bool can_ask = failure == std::string::npos || tested->out.find("MTA-STS: ", failure) != std::string::npos;
    const bool is_broken = tested->out.empty() || tested->err.find("PANIC") != std::string::npos;
    if (can_ask && !is_broken) return {};
    return fail(ErrorCode::kConfig, "Exim cannot route an address (exim4 -bt " + std::string(kTestAddress) +
                                        "): " + said({tested->status, tested->err + tested->out, ""}));
  }

  static Result<void> works(const Machine& machine, const std::string& question, EximKind kind) {
    const std::string router = kind == EximKind::kInternet ? "mta_sts_policy" : "mta_sts_smarthost_policy";
    const auto shown = machine.run_ok({"exim4", "-bP", "router", router});
    if (!shown) return tl::unexpected(shown.error());
    if (shown->find("address_data") == std::string::npos)
      return fail(ErrorCode::kConfig, "Exim does not have the router " + router + " afterwards: " + escaped(*shown));
    const auto answer = machine.run_ok({"exim4", "-be", question});
    if (!answer) return tl::unexpected(answer.error());
    if (!trimmed(*answer).empty())
      return fail(ErrorCode::kConfig, "Exim gets no answer about policies: " + escaped(trimmed(*answer)));
    return routes(machine, router);
  }

  const Look& look_;
  const Machine& machine_;
  const Wishes& wishes_;
  Plan plan_;
  Way way_ = Way::kFunction;
  std::string place_;  // of the module, or of mtastsd's socket
};

}  // namespace

Host exim_host() {
  return {"exim", "Exim", [](const Look& look, const Wishes& wishes) { return EximPlan(look, wishes).make(); },
          [](const Machine& machine, const Facts& facts) -> Result<void> {
            if (auto done = generate(machine); !done) return done;
            if (auto done = reload(machine); !done) return done;
            return settle_exim_socket(machine, facts);
          }};
}

}  // namespace mtasts::setup
