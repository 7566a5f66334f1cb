// The command line: what there is to say, and who does it.
#include <CLI/CLI.hpp>
#include <sstream>

#include "adapters/cli/check/observe.h"
#include "adapters/cli/command.h"
#include "adapters/cli/declarations.h"
#include "adapters/cli/publish/publish.h"
#include "adapters/cli/report/report.h"
#include "adapters/cli/setup/setup.h"
#include "adapters/cli/status/status.h"
#include "module/io/wall_clock.h"

namespace mtasts::cli {
namespace {

struct SetupOptions {
  std::string host;
  std::string root;
  bool apply = false;
  bool undo = false;
  setup::Wishes wishes;
};

struct Arguments {
  std::string config_path = default_config_path();
  QueryOptions query;
  MatchOptions match;
  CacheOptions cache;
  ConfigOptions config;
  StatusOptions status;
  std::string shell;
  PingOptions ping;
  unsigned ping_timeout = 5;
  SetupOptions setup;
  publish::Options publish;
  check::Options check;
  report::Options report;
};

using Task = std::function<int(Client&)>;

// Becomes the user first, so that nothing is read, written or asked with root's rights.
int as_lookup_user(const Arguments& args, const Environment& environment, const Task& task) {
  const auto config = load_config(args.config_path);
  if (!config) return complain(environment, config.error().detail, kConfiguration);
  if (const auto became = environment.become_user(config->user); !became) {
    return complain(environment, became.error().detail, kConfiguration);
  }
  const auto client = Client::open(args.config_path, environment.make_log(), Client::Caller::kPerson);
  if (!client) return complain(environment, client.error().detail, kConfiguration);
  return task(**client);
}

CLI::App* command(CLI::App& parent, const std::string& name, const std::string& what, const std::string& example) {
  CLI::App* added = parent.add_subcommand(name, what);
  added->footer("Example: " + example);
  return added;
}

CLI::App* query_command(CLI::App& app, Arguments& args) {
  CLI::App* added = command(app, "query", "What a mail server here would be told about DOMAIN",
                            "mtasts query example.com --json\n\nExit code: 0 a policy applies, 1 none does, 75 not to "
                            "be found out now, 64 usage, 78 configuration.");
  added->add_option("DOMAIN", args.query.domain, "a recipient's domain, or a smarthost like [host]:587")->required();
  added->add_flag("--json", args.query.json, "one line of JSON");
  added->add_flag("--refresh", args.query.refresh, "fetch again, whatever is cached");
  return added;
}

CLI::App* match_command(CLI::App& app, Arguments& args) {
  CLI::App* added = command(app, "match", "Whether the policy of DOMAIN lists MXHOST",
                            "mtasts match example.com mx1.example.com\n\nExit code: 0 allowed, 1 not, 75 not to be "
                            "found out now, 64 usage, 78 configuration.");
  added->add_option("DOMAIN", args.match.domain)->required();
  added->add_option("MXHOST", args.match.mx_host)->required();
  added->add_flag("--json", args.match.json, "one line of JSON");
  return added;
}

// How many domains a subcommand of cache takes.
constexpr int kNoDomain = 0;
constexpr int kMayName = 1;
constexpr int kMustName = 2;

CLI::App* cache_command(CLI::App& cache, Arguments& args, const std::string& name, const std::string& what,
                        int domains) {
  CLI::App* added = command(cache, name, what, "mtasts cache " + name + (domains == kNoDomain ? "" : " example.com"));
  if (domains != kNoDomain) {
    CLI::Option* domain = added->add_option("DOMAIN", args.cache.domain);
    if (domains == kMustName) domain->required();
    if (name == "purge") added->add_flag("--all", args.cache.all, "everything that is cached")->excludes(domain);
  }
  added->add_flag("--json", args.cache.json,
                  domains == kNoDomain ? "one line of JSON for each domain" : "one line of JSON");
  return added;
}

CLI::App* ping_command(CLI::App& app, Arguments& args) {
  CLI::App* added = command(app, "ping", "Whether mtastsd answers",
                            "mtasts ping --socket inet:127.0.0.1:8461\n\nExit code: 0 it answers, 75 it does not, 64 "
                            "usage, 78 configuration.");
  added->add_option("--socket", args.ping.socket, "where it listens; by default the first address of socketmap.listen")
      ->type_name("ADDRESS");
  added->add_flag_callback(
      "--exim", [&args] { args.ping.language = PingLanguage::kExim; },
      "ask the socket for Exim; by default the first address of exim.listen, or mtastsd-exim.socket");
  added->add_option("--timeout", args.ping_timeout, "seconds to wait, 1 to 60")
      ->type_name("SECONDS")
      ->check(CLI::Range(1, 60))
      ->capture_default_str();
  added->add_flag("--json", args.ping.json, "one line of JSON");
  return added;
}

CLI::App* config_command(CLI::App& app, Arguments& args) {
  CLI::App* added =
      command(app, "config", "The configuration in force and where each value came from", "mtasts config");
  added->add_flag("--json", args.config.json, "one line of JSON");
  return added;
}

CLI::App* status_command(CLI::App& app, Arguments& args) {
  CLI::App* added = command(app, "status", "Whether everything works here that protects mail, on one screen",
                            "mtasts status --json\n\nExit code, as monitoring wants it: 0 all is well, 1 warning, 2 "
                            "critical, 64 usage.");
  added->add_flag("--json", args.status.json, "one line of JSON");
  return added;
}

CLI::App* completion_command(CLI::App& app, Arguments& args) {
  CLI::App* added = command(app, "completion", "The script by which a shell completes the words of this command",
                            "mtasts completion bash > /etc/bash_completion.d/mtasts");
  added->add_option("SHELL", args.shell)->required()->check(CLI::IsMember({"bash", "fish", "zsh"}));
  return added;
}

const std::vector<setup::Host>& hosts() {
  static const std::vector<setup::Host> all = {setup::postfix_host(), setup::exim_host(), setup::opensmtpd_host(),
                                               setup::sendmail_host()};
  return all;
}

CLI::App* setup_command(CLI::App& app, SetupOptions& options) {
  CLI::App* added = command(app, "setup", "Make a mail server ask mtasts, or show what that would change",
                            "mtasts setup postfix --apply\n\nExit code: 0 nothing to do or done, 1 something would be "
                            "changed, 2 refused or taken back (standard error says why), 64 usage.");
  std::vector<std::string> names;
  for (const setup::Host& host : hosts()) names.push_back(host.name);
  added->add_option("HOST", options.host)->required()->check(CLI::IsMember(names));
  CLI::Option* apply = added->add_flag("--apply", options.apply, "change it, keeping what was there");
  added->add_flag("--undo", options.undo, "put back what was there")->excludes(apply);
  added->add_flag("--replace", options.wishes.replace, "other software for MTA-STS may be replaced");
  added->add_option("--socket", options.wishes.socket, "where mtastsd listens, if systemd does not open its sockets")
      ->type_name("ADDRESS");
  added->add_option("--root", options.root, "the machine whose root directory this is")->type_name("DIR");
  return added;
}

int set_up(SetupOptions& options, const std::string& config_path, const Environment& s) {
  options.wishes.config_path = config_path;
  while (options.root.ends_with('/')) options.root.pop_back();
  const setup::Action action = options.undo    ? setup::Action::kUndo
                               : options.apply ? setup::Action::kApply
                                               : setup::Action::kPlan;
  const auto host =
      std::find_if(hosts().begin(), hosts().end(), [&](const auto& one) { return one.name == options.host; });
  return setup::set_up(*host, action, setup::Machine(options.root), options.wishes, {s.out, s.err});
}

CLI::App* check_command(CLI::App& app, check::Options& options) {
  CLI::App* added = command(app, "check", "What senders find of the MTA-STS of each DOMAIN, and how to put it right",
                            "mtasts check example.com --html example.html\n\nExit code, as of a monitoring plugin: 0 "
                            "nothing is wrong, 1 warning, 2 critical, 3 something could not be looked at, usage.");
  added->add_option("DOMAIN", options.domains, "domains of mail addresses");
  added->add_option("--domains", options.list, "a list of more, one a line; - is standard input")->type_name("FILE");
  added->add_option("-j", options.jobs, "how many to look at in parallel")
      ->type_name("N")
      ->check(CLI::Range(1U, check::kMaxJobs))
      ->capture_default_str();
  CLI::Option* json = added->add_flag("--json", options.json, "one line of JSON for each domain");
  added->add_flag("--nagios", options.nagios, "one line for Nagios, Icinga and the like")->excludes(json);
  added->add_option("--html", options.html, "write a page to send around, too")->type_name("FILE");
  added->add_option("--require", options.require, "the modes testing and none are warnings")
      ->type_name("enforce")
      ->check(CLI::IsMember({"enforce"}));
  added->add_option("--days", options.days, "warn of certificates with fewer days left")
      ->type_name("N")
      ->check(CLI::Range(0U, 3650U))
      ->capture_default_str();
  added->add_option("--ignore", options.ignored, "a code that is no finding; again for more")
      ->type_name("CODE")
      ->allow_extra_args(false)
      ->delimiter(',');
  added->add_option("--state", options.state, "what earlier checks saw; by default /var/lib/mtasts/check if writable")
      ->type_name("DIR");
  return added;
}

check::Output output_of(const Environment& s) { return {s.out, s.err, s.colour, s.width, s.shows_progress}; }

// The list and the page are opened with the caller's rights; the network is asked as the user of lookups.
int check_domains(const check::Options& options, const std::string& config_path, const Environment& s) {
  std::istringstream nothing;
  const auto task = check::prepare(options, s.in != nullptr ? *s.in : nothing);
  if (!task) return check::give_up(options, output_of(s), task.error().detail);
  const auto config = load_config(config_path);
  if (!config) return check::give_up(options, output_of(s), config.error().detail);
  if (const auto became = s.become_user(config->user); !became)
    return check::give_up(options, output_of(s), became.error().detail);
  const auto log = s.make_log();
  const check::Observe network = [&](auto domains, auto jobs, const auto& seen) -> Result<void> {
    const auto observer = check::Observer::open(*config, *log);
    if (!observer) return tl::unexpected(observer.error());
    (*observer)->observe(domains, {.jobs = jobs}, seen);
    return {};
  };
  return check::carry_out(*task, s.observe ? s.observe : network, output_of(s));
}

// A shell variable that is not set must not mean the current folder, or no domain.
std::string refuse_empty(const std::string& text) { return text.empty() ? "it is empty" : ""; }

CLI::App* publish_command(CLI::App& app, publish::Options& options) {
  CLI::App* added =
      command(app, "publish", "What has to be done to publish the policies of a list of domains, or do it",
              "mtasts publish --list domains.toml --root /var/www/mta-sts --state /var/lib/mtasts-publish --out "
              "/etc/mtasts/publish --apply\n\nExit code: 0 nothing to do or done, 1 something is to be done, 2 refused "
              "(standard error says why), 64 usage, 65 bad list, 74 state or files cannot be used, 75 try again.");
  const auto path = [&](const char* name, std::string& target, const char* what) {
    return added->add_option(name, target, what)->type_name("DIR")->check(refuse_empty);
  };
  added->add_option("--list", options.list, "the domains")->type_name("FILE")->required();
  path("--root", options.root, "the web tree: DIR/mta-sts.DOMAIN/.well-known/mta-sts.txt")->required();
  path("--state", options.state, "what was published, and since when")->required();
  path("--out", options.out, "zone lines, scripts for nsupdate, server blocks for nginx, Caddy and Apache");
  path("--certificates", options.certificates, "where DIR/mta-sts.DOMAIN/fullchain.pem and privkey.pem are");
  added->add_flag("--apply", options.apply, "write the files");
  added->add_flag("--json", options.json, "one line of JSON");
  CLI::Option* promote = added->add_option("--promote", options.promote, "take the next step of the roll-out")
                             ->type_name("DOMAIN")
                             ->check(refuse_empty);
  CLI::Option* leave = added->add_option("--leave", options.leave, "end MTA-STS for it, or go on with that")
                           ->type_name("DOMAIN")
                           ->check(refuse_empty);
  CLI::Option* verify = added->add_flag("--verify", options.verify, "say what is wrong with what is published");
  added->add_flag("--force", options.force, "do not wait for the time that --promote and --leave ask for");
  added->add_flag("--adopt", options.adopt, "take over policies in the web tree that the state does not know");
  promote->excludes(leave)->excludes(verify);
  leave->excludes(verify);
  return added;
}

// Files are written with the caller's rights; the network is asked by the lookup helper, as the user of lookups.
int publish_policies(const publish::Options& options, const std::string& config_path, const Environment& s) {
  constexpr std::size_t kJobs = 20;
  const auto config = load_config(config_path);
  if (!config) return complain(s, config.error().detail, kConfiguration);
  const auto log = s.make_log();
  std::unique_ptr<check::Observer> observer;  // one for the whole run: it looks at each MX host once
  const check::Observe network = [&](auto domains, auto jobs, const auto& seen) -> Result<void> {
    if (!observer) {
      auto opened = check::Observer::open(*config, *log);
      if (!opened) return tl::unexpected(opened.error());
      observer = std::move(*opened);
    }
    observer->observe(domains, {.jobs = jobs, .without_record = check::WithoutRecord::kGoOn}, seen);
    return {};
  };
  const publish::Observe observe = [&](const std::vector<Domain>& domains) {
    std::vector<Result<check::Report>> reports(domains.size(), fail(ErrorCode::kLocalFault, "it was not looked at"));
    const auto looked = (s.observe ? s.observe : network)(domains, kJobs, [&](std::size_t place, check::Facts facts) {
      reports[place] = check::judge(std::move(facts), nullptr, {});
    });
    if (!looked) std::ranges::fill(reports, tl::unexpected(looked.error()));
    return reports;
  };
  return publish::publish(options, observe, now(), {s.out, s.err});
}

CLI::App* report_command(CLI::App& app, report::Options& options) {
  CLI::App* added = command(
      app, "report", "Sum up the TLS reports (RFC 8460) that others sent about your domains",
      "mtasts report ~/Maildir/.TLSRPT --html report.html\n\nDifferent reports with one "
      "organization, id and day count once, with the larger number of each.\n\nExit code: 0 all counted, 65 a file "
      "was refused, 66 one cannot be read, 73 the page cannot be written, 64 usage.");
  added->add_option("FILE", options.files, "JSON, gzip, a mail with the report attached, a Maildir, or - for stdin")
      ->required()
      ->type_name("");
  added->add_flag("--json", options.json, "one line of JSON");
  added->add_option("--html", options.html, "also write a page with a plot over time; - in place of the table")
      ->type_name("OUT");
  return added;
}

// Reports come from strangers. Root reads them as the user of lookups, or, where that one does not exist yet, as
// nobody.
int sum_up(const Arguments& args, const Environment& environment) {
  const auto give_up_rights = [&] {
    const auto config = load_config(args.config_path);
    const auto became = environment.become_user(config ? config->user : "nobody");
    return became ? became : environment.become_user("nobody");
  };
  return report::report(args.report, {environment.out, environment.err, environment.colour, give_up_rights});
}

// The commands with the functions that carry them out.
struct Commands {
  std::vector<std::pair<CLI::App*, std::function<int()>>> all;
};

Commands declare(CLI::App& app, Arguments& args, const Environment& s) {
  CLI::App* cache = command(app, "cache", "What is cached", "mtasts cache list");
  cache->require_subcommand(1);
  const auto with_client = [&args, &s](const Task& task) {
    return [&, task] { return as_lookup_user(args, s, task); };
  };
  return {{
      {query_command(app, args), with_client([&](Client& client) { return query(client, args.query, s); })},
      {match_command(app, args), with_client([&](Client& client) { return match(client, args.match, s); })},
      {cache_command(*cache, args, "list", "One line for each cached domain that has a record", kNoDomain),
       with_client([&](Client& client) { return cache_list(client, args.cache, s); })},
      {cache_command(*cache, args, "show", "Everything cached of DOMAIN", kMustName),
       with_client([&](Client& client) { return cache_show(client, args.cache, s); })},
      {cache_command(*cache, args, "refresh", "Fetch the policy of DOMAIN, or every cached one, again", kMayName),
       with_client([&](Client& client) { return cache_refresh(client, args.cache, s); })},
      {cache_command(*cache, args, "purge", "Forget DOMAIN, or everything with --all", kMayName),
       with_client([&](Client& client) { return cache_purge(client, args.cache, s); })},
      {ping_command(app, args),
       [&] {
         args.ping.timeout = std::chrono::seconds(args.ping_timeout);
         return ping(args.config_path, args.ping, s);
       }},
      {check_command(app, args.check), [&] { return check_domains(args.check, args.config_path, s); }},
      {setup_command(app, args.setup), [&] { return set_up(args.setup, args.config_path, s); }},
      {publish_command(app, args.publish), [&] { return publish_policies(args.publish, args.config_path, s); }},
      {report_command(app, args.report), [&] { return sum_up(args, s); }},
      {config_command(app, args), [&] { return show_config(args.config_path, args.config, s); }},
      {status_command(app, args), [&] { return show_status(args.config_path, args.status, s); }},
      {completion_command(app, args),
       [&] {
         s.out << completion_script(app, args.shell);
         return kApplies;
       }},
  }};
}

// An answer that got lost on a full disk must not look like one.
int written(int code, const Environment& environment, int failure) {
  environment.out.flush();
  if (environment.out) return code;
  complain(environment, "the output cannot be written; is the disk full?", kTemporary);
  return failure;
}

bool is_check(const CLI::App* command) { return command->get_name() == "check"; }

}  // namespace

int complain(const Environment& environment, const std::string& sentence, ExitCode code) {
  environment.err << "mtasts: " << sentence << "\n";
  return code;
}

std::optional<Domain> domain_of(const std::string& text, const Environment& environment, int& code) {
  auto domain = policy_domain(text);
  if (domain && *domain) return std::move(**domain);
  code = complain(environment, domain ? "an address or a name without a dot has no policy" : domain.error().detail,
                  kUsage);
  return std::nullopt;
}

int run(std::span<const std::string> args, const Environment& environment) {
  CLI::App app("MTA-STS (RFC 8461) policies, as the mail server on this machine sees them.", "mtasts");
  Arguments arguments;
  app.set_version_flag("--version", "mtasts " MTASTS_VERSION);
  app.add_option("--config", arguments.config_path, "configuration file")->type_name("FILE");
  app.require_subcommand(1);
  app.fallthrough();
  app.footer("Example: mtasts query example.com");
  const Commands commands = declare(app, arguments, environment);
  try {
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));  // CLI11 wants them last first
  } catch (const CLI::ParseError& problem) {
    if (problem.get_exit_code() == 0) return app.exit(problem, environment.out, environment.err);  // --help, --version
    const auto unknown = unknown_command(app, args);
    const int code =
        complain(environment, unknown.value_or(std::string(problem.what()) + "; see mtasts --help"), kUsage);
    return app.got_subcommand("check") ? check::kUnknownExit : code;
  }
  for (const auto& [parsed, work] : commands.all) {
    if (parsed->parsed())
      return written(work(), environment, is_check(parsed) ? check::kUnknownExit : static_cast<int>(kTemporary));
  }
  return kUsage;
}

}  // namespace mtasts::cli
