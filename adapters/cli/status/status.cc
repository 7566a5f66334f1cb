#include "adapters/cli/status/status.h"

#include <algorithm>
#include <utility>

#include "adapters/cli/setup/exim_parts.h"
#include "adapters/cli/setup/plan.h"
#include "core/sweep.h"
#include "module/engine/resolver_notes.h"
#include "module/io/wall_clock.h"
#include "module/store/clock_watch.h"

namespace mtasts::cli {
namespace {

constexpr std::chrono::seconds kPingTimeout{5};

void count(const CacheEntry& entry, WallTime used, const Config& config, WallTime now, StoreStatus& status) {
  ++status.domains;
  status.bytes += stored_size(entry);
  const StoredPolicy* policy = entry.policy_in_force(now);
  if (policy != nullptr) ++status.policies[policy->policy.mode];
  if (policy == nullptr && entry.policy) ++status.expired;
  if (sweep_action(entry, used, config.sweep, now) == SweepAction::kRefresh) ++status.due;
  if (entry.failure)
    status.failing.push_back({entry.domain.text(), entry.failure->reported(), entry.failure->retry_at,
                              policy != nullptr ? std::optional(policy->expires()) : std::nullopt});
}

// Over TLS nobody is asked here.
void look_at_named_resolvers(const Config& config, Status& status) {
  const ResolverConfig& dns = config.network.dns;
  status.names_resolvers = true;
  const auto resolvers = resolvers_of(dns.resolvers);
  if (resolvers && dns.transport == ResolverConfig::Transport::kTcp)
    status.resolver = setup::look_at_resolvers(resolvers->servers, dns.timeout, ad_may_count(config));
}

// An empty file names the resolvers of this machine itself: one that cannot be read must not be taken for it.
void look_at_resolver(const StatusOptions& options, Status& status) {
  const auto resolv_conf = read_text(options.root + kResolvConf);
  if (!resolv_conf)
    status.resolver_fault = resolv_conf.error().detail;
  else
    status.resolver = options.resolver ? options.resolver() : setup::look_at_resolver(resolv_conf->value_or(""));
}

// "localhost" is as good as an address. Another name may mean several, or none at the moment, and is not tried.
Result<ListenAddress> tried_address(std::string socket) {
  constexpr std::string_view kByName = "inet:localhost:";
  if (socket.starts_with(kByName)) socket.replace(0, kByName.size(), "inet:127.0.0.1:");
  return parse_listen_address(socket);
}

// What the mail servers ask, by the address that each one's own configuration names: systemd's sockets are not in
// mtasts.toml.
std::vector<PingOutcome> ping_hosts(std::vector<HostStatus>& hosts) {
  std::vector<PingOutcome> outcomes;
  for (HostStatus& host : hosts) {
    const auto address = tried_address(host.socket);
    if (!host.needs_daemon || !address) continue;
    const PingLanguage language = host.host == "exim" ? PingLanguage::kExim : PingLanguage::kSocketmap;
    outcomes.push_back(ping_at(*address, language, kPingTimeout));
    host.fault = outcomes.back().fault;
  }
  return outcomes;
}

std::vector<PingOutcome> ping_configured(const Config& config) {
  std::vector<PingOutcome> outcomes;
  for (const auto& [listen, language] : {std::pair(&config.socketmap.listen, PingLanguage::kSocketmap),
                                         std::pair(&config.exim.listen, PingLanguage::kExim)}) {
    if (!listen->empty()) outcomes.push_back(ping_at(listen->front(), language, kPingTimeout));
  }
  return outcomes;
}

void ask_daemon(const Config& config, Status& status) {
  auto outcomes = ping_hosts(status.hosts);
  if (outcomes.empty()) outcomes = ping_configured(config);
  if (outcomes.empty()) return;
  const auto silent = std::ranges::find_if(outcomes, [](const PingOutcome& one) { return !one.fault.empty(); });
  status.daemon = silent == outcomes.end() ? outcomes.front() : *silent;
}

// With the rights of the user who owns the store: what lies there, strangers wrote.
StoreStatus store_of(const std::string& config_path, const Config& config, const Environment& environment) {
  StoreStatus status;
  status.directory = config.cache_directory;
  const auto became = environment.become_user(config.user);
  if (!became) {
    status.fault = became.error().detail;
    return status;
  }
  const auto client = Client::open(config_path, environment.make_log(), Client::Caller::kPerson);
  if (client) return look_at_store((*client)->store(), config, now());
  status.fault = client.error().detail;
  return status;
}

// Of mtastsd, and of table-mtasts, which has a store of its own.
DeliveryStatus deliveries_of(const Config& config) {
  using std::chrono::hours;
  DeliveryStatus status;
  for (const std::string& directory : {config.cache_directory, config.opensmtpd.directory}) {
    const auto events = past_delivery_events(directory);
    if (!events) {
      status.fault += (status.fault.empty() ? "" : ", ") + ("the events in " + directory + " cannot be read");
      continue;
    }
    status.last_hour.merge(count_deliveries(*events, hours(1), now()));
    status.last_day.merge(count_deliveries(*events, hours(24), now()));
  }
  return status;
}

}  // namespace

std::size_t DeliveryCounts::of(std::string_view event) const {
  const auto found = events.find(event);
  return found == events.end() ? 0 : found->second;
}

std::size_t DeliveryCounts::deferrals() const { return of(kDeferred) + of(kNoMx) + of(kEnforceFailure); }

ServerCounts count_deliveries(const std::vector<PastEvent>& events, std::chrono::seconds period, WallTime now) {
  ServerCounts counts;
  for (const auto& [time, what] : events) {
    if (time < now - period || time > now) continue;  // what is from the future was written by a wrong clock
    DeliveryCounts& server = counts[what.server];
    ++server.events[what.event];
    if (what.event == kObservedDefer || what.event == kObservedFailure) ++server.observed[what.domain];
  }
  return counts;
}

StoreStatus look_at_store(FileStore& store, const Config& config, WallTime now) {
  StoreStatus status;
  status.directory = config.cache_directory;
  const auto all =
      store.for_each([&](const CacheEntry& entry, WallTime used) { count(entry, used, config, now, status); });
  if (!all) status.fault = all.error().detail;
  std::ranges::sort(status.failing, {}, &FailingDomain::domain);
  status.last_round = ClockWatch(config.cache_directory).last_round();
  return status;
}

// What only root may see is looked at first: sockets of mail servers, their files.
int show_status(const std::string& config_path, const StatusOptions& options, const Environment& environment) {
  const auto config = load_config(config_path);
  if (!config) {
    environment.err << "mtasts: " << config.error().detail << "\n";
    return kStatusCritical;
  }
  Status status;
  status.hosts = look_at_hosts(options.root);
  status.has_old_exim_parts = setup::has_old_exim_parts(
      options.root, options.data_folder.empty() ? setup::default_data_folder() : options.data_folder);
  ask_daemon(*config, status);
  const bool has_table = std::ranges::any_of(
      status.hosts, [](const HostStatus& host) { return host.host == "opensmtpd" && !host.asks.empty(); });
  if (has_table && config->opensmtpd.directory != config->cache_directory)
    status.table_store = look_at_table_store(*config, environment);
  if (config->network.dns.resolvers.empty())
    look_at_resolver(options, status);
  else
    look_at_named_resolvers(*config, status);
  status.deliveries = deliveries_of(*config);
  status.observing = observing(*config);
  status.store = store_of(config_path, *config, environment);
  status.problems = judge(status, now());
  environment.out << (options.json ? status_json(status) + "\n" : status_text(status, now(), environment.colour));
  return status_exit(status);
}

}  // namespace mtasts::cli
