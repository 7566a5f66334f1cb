#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <utility>

#include "adapters/cli/durations.h"
#include "adapters/cli/status/status.h"
#include "core/timestamp.h"

namespace mtasts::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxFailing = 10;
constexpr const char* kOverTls = "asked over TLS, which is not tried here; see mtasts query";

std::string row(const std::string& name, const std::string& value) {
  constexpr std::size_t kWidth = 12;
  return name + std::string(kWidth - std::min(kWidth - 1, name.size()), ' ') + value + "\n";
}

std::string status_word(StatusExit code) {
  return code == kStatusOk ? "ok" : code == kStatusWarning ? "warning" : "critical";
}

std::string painted(const std::string& word, StatusExit code, bool colour) {
  if (!colour) return word;
  return std::string("\x1b[") +
         (code == kStatusOk        ? "32"
          : code == kStatusWarning ? "33"
                                   : "31") +
         "m" + word + "\x1b[0m";
}

std::string daemon_text(const PingOutcome& daemon) {
  if (daemon.socket.empty()) return "not configured to listen anywhere";
  return daemon.fault.empty() ? "version " + daemon.version + " answers at " + daemon.socket : daemon.fault;
}

std::string resolver_text(const Status& status) {
  if (!status.resolver_fault.empty()) return "not known: " + status.resolver_fault;
  if (!status.resolver) return kOverTls;
  switch (*status.resolver) {
    case setup::ResolverState::kSilent:
      return "does not answer";
    case setup::ResolverState::kAnswers:
      return "none on this machine validates DNSSEC: DANE is not told";
    case setup::ResolverState::kValidates:
      break;
  }
  return "validates DNSSEC";
}

std::string policies_text(const StoreStatus& store) {
  return std::to_string(store.policies.at(Mode::kEnforce)) + " enforce, " +
         std::to_string(store.policies.at(Mode::kTesting)) + " testing, " +
         std::to_string(store.policies.at(Mode::kNone)) + " none; " + std::to_string(store.expired) + " expired, " +
         std::to_string(store.due) + " due for refresh";
}

std::string failing_text(const StoreStatus& store, WallTime now) {
  std::string text;
  for (std::size_t i = 0; i < std::min(store.failing.size(), kMaxFailing); ++i) {
    const FailingDomain& one = store.failing[i];
    text += row(i == 0 ? "failing" : "", one.domain + ": " + std::string(error_name(one.error.code)) + ", next try " +
                                             relative_text(one.retry_at, now));
    text += row("", "  " + one.error.detail);
  }
  if (store.failing.size() > kMaxFailing)
    text += row("", "and " + std::to_string(store.failing.size() - kMaxFailing) + " more; --json has them all");
  return text;
}

std::string store_text(const StoreStatus& store, WallTime now) {
  if (!store.unseen.empty()) return row("store", "not known: " + store.unseen);
  return row("store", store.directory + ": " + std::to_string(store.domains) +
                          (store.domains == 1 ? " domain, " : " domains, ") +
                          std::to_string((store.bytes + 1023) / 1024) + " KiB") +
         row("policies", policies_text(store)) +
         row("refreshed", store.last_round ? time_text(*store.last_round, now) : "never") + failing_text(store, now);
}

std::string host_text(const HostStatus& host) {
  if (!host.asks.empty()) return "asks " + escaped(host.asks);
  return host.unread.empty() ? "does not ask mtasts" : "not known: " + host.unread;
}

std::string hosts_text(const std::vector<HostStatus>& hosts) {
  std::string text;
  for (const HostStatus& one : hosts) text += row(one.host, host_text(one));
  return text.empty() ? row("hosts", "no mail server is configured on this machine") : text;
}

std::string deferrals_text(const ServerCounts& counts) {
  std::size_t all = 0;
  std::string servers;
  for (const auto& [server, count] : counts) {
    all += count.deferrals();
    if (count.deferrals() > 0)
      servers += (servers.empty() ? "" : ", ") + server + " " + std::to_string(count.deferrals());
  }
  return std::to_string(all) + (servers.empty() ? "" : " (" + servers + ")");
}

// The domains that observe mode has most to tell of.
std::string observed_domains_text(const DeliveryCounts& counts) {
  constexpr std::size_t kMaxDomains = 5;
  std::vector<std::pair<std::string, std::size_t>> domains(counts.observed.begin(), counts.observed.end());
  std::ranges::stable_sort(domains, std::greater{}, &std::pair<std::string, std::size_t>::second);
  std::string text;
  for (std::size_t i = 0; i < std::min(domains.size(), kMaxDomains); ++i)
    text += (i == 0 ? "; " : ", ") + domains[i].first + " " + std::to_string(domains[i].second);
  if (domains.size() > kMaxDomains) text += " and " + std::to_string(domains.size() - kMaxDomains) + " more domains";
  return text;
}

std::string deliveries_text(const DeliveryStatus& deliveries, const std::vector<HostStatus>& hosts) {
  std::string text = row("deferrals", deferrals_text(deliveries.last_hour) + " in the last hour, " +
                                          deferrals_text(deliveries.last_day) + " in the last day");
  if (!deliveries.fault.empty()) text += row("", "not all: " + deliveries.fault);
  if (std::ranges::any_of(hosts, &HostStatus::is_in_process))
    text += row("", "without those of Exim's function, which are in the mail log");
  for (const auto& [server, counts] : deliveries.last_day) {
    if (counts.observed.empty()) continue;
    text += row("observed", server + ", last day: " + std::to_string(counts.of(kObservedDefer)) +
                                " would have waited, " + std::to_string(counts.of(kObservedFailure)) +
                                " MX hosts would have been refused" + observed_domains_text(counts));
  }
  return text;
}

Json time_json(const std::optional<WallTime>& time) { return time ? Json(rfc3339(*time)) : Json(); }

Json resolver_json(const Status& status) {
  using setup::ResolverState;
  Json json{{"answers", Json()}, {"validates", Json()}, {"reason", status.resolver_fault}};
  if (!status.resolver && status.resolver_fault.empty()) json["reason"] = kOverTls;
  if (!status.resolver) return json;
  json["answers"] = *status.resolver != ResolverState::kSilent;
  if (*status.resolver != ResolverState::kSilent) json["validates"] = *status.resolver == ResolverState::kValidates;
  return json;
}

Json failing_json(const FailingDomain& one) {
  return {{"domain", one.domain},
          {"error", error_name(one.error.code)},
          {"detail", one.error.detail},
          {"retry_at", rfc3339(one.retry_at)},
          {"in_force_until", time_json(one.in_force_until)}};
}

Json failing_json(const std::vector<FailingDomain>& all) {
  Json json = Json::array();
  for (const FailingDomain& one : all) json.push_back(failing_json(one));
  return json;
}

Json store_json(const StoreStatus& store) {
  return {{"directory", store.directory},
          {"domains", store.domains},
          {"bytes", store.bytes},
          {"policies",
           {{"enforce", store.policies.at(Mode::kEnforce)},
            {"testing", store.policies.at(Mode::kTesting)},
            {"none", store.policies.at(Mode::kNone)}}},
          {"expired", store.expired},
          {"due", store.due},
          {"last_refresh", time_json(store.last_round)}};
}

Json counts_json(const ServerCounts& counts) {
  Json json = Json::object();
  for (const auto& [server, count] : counts) {
    json[server] = {{"deferrals", count.deferrals()}};
    for (const std::string_view event : kDeliveryEvents) json[server][std::string(event)] = count.of(event);
    json[server]["observed_domains"] = Json::object();
    for (const auto& [domain, number] : count.observed) json[server]["observed_domains"][domain] = number;
  }
  return json;
}

Json deliveries_json(const DeliveryStatus& deliveries) {
  return {{"reason", deliveries.fault},
          {"last_hour", counts_json(deliveries.last_hour)},
          {"last_day", counts_json(deliveries.last_day)}};
}

}  // namespace

std::string status_text(const Status& status, WallTime now, bool colour) {
  std::string text = row("status", painted(status_word(status_exit(status)), status_exit(status), colour));
  for (const Problem& problem : status.problems)
    text += row("", painted(problem.is_critical ? "critical: " : "warning: ",
                            problem.is_critical ? kStatusCritical : kStatusWarning, colour) +
                        problem.text);
  text += row("mtastsd", daemon_text(status.daemon));
  text += row("resolver", resolver_text(status));
  text += store_text(status.store, now);
  if (status.table_store) text += store_text(*status.table_store, now);
  return text + deliveries_text(status.deliveries, status.hosts) + hosts_text(status.hosts);
}

std::string status_json(const Status& status) {
  Json json{{"schema", 1}, {"status", status_word(status_exit(status))}, {"problems", Json::array()}};
  for (const Problem& problem : status.problems)
    json["problems"].push_back({{"severity", problem.is_critical ? "critical" : "warning"}, {"text", problem.text}});
  const PingOutcome& daemon = status.daemon;
  const bool answers = !daemon.socket.empty() && daemon.fault.empty();
  json["daemon"] = {{"socket", daemon.socket.empty() ? Json() : Json(daemon.socket)},
                    {"answers", answers},
                    {"version", answers ? Json(daemon.version) : Json()},
                    {"reason", daemon.fault}};
  json["resolver"] = resolver_json(status);
  json["store"] = store_json(status.store);
  json["failing"] = failing_json(status.store.failing);
  json["hosts"] = Json::array();
  for (const HostStatus& one : status.hosts)
    json["hosts"].push_back(
        {{"host", one.host}, {"asks", one.asks.empty() ? Json() : Json(one.asks)}, {"reason", one.unread}});
  json["deliveries"] = deliveries_json(status.deliveries);
  json["observing"] = Json::array();
  for (const Observing& one : status.observing) json["observing"].push_back(one.section);
  json["table_store"] = Json();
  if (status.table_store) {
    const StoreStatus& table = *status.table_store;
    json["table_store"] = store_json(table);
    json["table_store"]["reason"] = table.fault.empty() ? table.unseen : table.fault;
    json["table_store"]["failing"] = failing_json(status.table_store->failing);
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace mtasts::cli
