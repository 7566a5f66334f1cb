#include "adapters/cli/status/status.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "adapters/cli/setup/dnssec.h"
#include "core/sweep.h"
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
    status.failing.push_back({entry.domain.text(), entry.failure->error, entry.failure->retry_at,
                              policy != nullptr ? std::optional(policy->expires()) : std::nullopt});
}

bool this_machine_validates() {
  std::ifstream file("/etc/resolv.conf");
  return setup::has_validating_resolver({std::istreambuf_iterator<char>(file), {}});
}

PingOutcome ping_first(const std::vector<ListenAddress>& listen, PingLanguage language) {
  return listen.empty() ? PingOutcome() : ping_at(listen.front(), language, kPingTimeout);
}

// The sockets that are configured, and the one that Exim asks.
void ask_daemon(const Config& config, Status& status) {
  const PingOutcome maps = ping_first(config.socketmap.listen, PingLanguage::kSocketmap);
  PingOutcome exim = ping_first(config.exim.listen, PingLanguage::kExim);
  bool are_maps_asked = false;
  bool is_exim_asked = false;
  for (HostStatus& host : status.hosts) {
    if (!host.needs_daemon) continue;
    (host.socket.empty() ? are_maps_asked : is_exim_asked) = true;
    if (host.socket.empty()) {
      host.fault = maps.fault;
    } else if (const auto address = parse_listen_address(host.socket)) {  // the name of a host cannot be tried
      if (address->text != exim.socket) exim = ping_at(*address, PingLanguage::kExim, kPingTimeout);
      host.fault = exim.fault;
    }
  }
  const bool is_exim_shown = !exim.socket.empty() && (maps.fault.empty() || (is_exim_asked && !are_maps_asked));
  status.daemon = is_exim_shown ? exim : maps;
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
      status.fault = "the events in " + directory + " cannot be read; root can";
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
  ask_daemon(*config, status);
  if (config->network.dns.resolvers.empty())
    status.validates = options.validates ? options.validates() : this_machine_validates();
  status.deliveries = deliveries_of(*config);
  status.observing = observing(*config);
  status.store = store_of(config_path, *config, environment);
  status.problems = judge(status, now());
  environment.out << (options.json ? status_json(status) + "\n" : status_text(status, now(), environment.colour));
  return status_exit(status);
}

}  // namespace mtasts::cli
