#include "module/server/metrics.h"

#include <algorithm>
#include <sstream>

namespace mtasts::server {
namespace {

using State = RecordMemory::State;

// One word of a closed list: a label that a peer could choose would make a new series each time.
std::string result_of(const Outcome& outcome) {
  const CacheEntry& entry = outcome.entry;
  if (outcome.fault) return std::string(error_name(outcome.fault->code));
  if (outcome.progress != Outcome::Progress::kSettled) return "deadline";
  if (entry.record.state == State::kFailed) return "dns-failure";
  if (entry.record.state == State::kInvalid) return "record-invalid";
  if (entry.record.state != State::kFound) return "no-record";
  return entry.failure ? std::string(error_name(entry.failure->reported().code)) : "policy";
}

class Page {
 public:
  void metric(const char* name, const char* type, const char* help) {
    name_ = name;
    out_ << "# HELP " << name << ' ' << help << "\n# TYPE " << name << ' ' << type << '\n';
  }
  template <typename Value>
  void value(const Value& value, const std::string& labels = {}, const char* suffix = "") {
    out_ << name_ << suffix;
    if (!labels.empty()) out_ << '{' << labels << '}';
    out_ << ' ' << value << '\n';
  }
  template <typename Value>
  void simple(const char* name, const char* type, const char* help, const Value& number) {
    metric(name, type, help);
    value(number);
  }
  [[nodiscard]] std::string text() const { return out_.str(); }

 private:
  std::ostringstream out_;
  const char* name_ = "";
};

std::string label(const char* name, std::string_view value) {
  return std::string(name) + "=\"" + std::string(value) + '"';
}

// What can happen to a delivery of the mail servers that ask. Only Exim tells what became of its sessions.
constexpr std::array<std::pair<const char*, std::string_view>, 11> kOfDeliveries{{{"exim", kDeferred},
                                                                                  {"exim", kEnforceFailure},
                                                                                  {"exim", kObservedDefer},
                                                                                  {"exim", kObservedFailure},
                                                                                  {"exim", kTestingFailure},
                                                                                  {"postfix", kDeferred},
                                                                                  {"postfix", kObservedDefer},
                                                                                  {"postfix", kObservedFailure},
                                                                                  {"sendmail", kDeferred},
                                                                                  {"sendmail", kObservedDefer},
                                                                                  {"sendmail", kObservedFailure}}};

}  // namespace

Metrics::Metrics() {
  for (const auto& [server, event] : kOfDeliveries) events_.try_emplace({server, std::string(event)}, 0);
}

void Metrics::expect(const std::vector<Label>& labels) {
  for (const Label& label : labels) answers_.try_emplace(label, 0);
}

void Metrics::answered_at_once(const std::optional<Label>& label) {
  if (!label) return;
  ++answers_[*label];
  ++latency_.front();
}

void Metrics::answered(const std::optional<Label>& label, std::chrono::duration<double> took) {
  if (!label) return;
  ++answers_[*label];
  const auto bound = std::ranges::lower_bound(kBounds, took.count());
  ++latency_.at(static_cast<std::size_t>(bound - kBounds.begin()));
  latency_sum_ += took.count();
}

void Metrics::looked_up(const Outcome& outcome) { ++lookups_[result_of(outcome)]; }

void Metrics::round_ended(const SweepSummary& summary) {
  ++rounds_;
  refreshed_ += summary.refreshed;
  refresh_failures_ += summary.due - summary.refreshed;
  policies_ = summary.in_force;
  domains_ = summary.domains;
}

std::string Metrics::text() const {
  Page page;
  page.metric("mtasts_requests_total", "counter", "Requests answered, by map and answer.");
  for (const auto& [of, number] : answers_) page.value(number, label("map", of.map) + "," + label("answer", of.answer));
  page.metric("mtasts_request_seconds", "histogram",
              "How long a request waited for its answer; cached answers count as no time.");
  Count total = 0;
  for (std::size_t i = 0; i < latency_.size(); ++i) {
    total += latency_.at(i);
    std::ostringstream bound;
    i < kBounds.size() ? bound << kBounds.at(i) : bound << "+Inf";
    page.value(total, label("le", bound.str()), "_bucket");
  }
  page.value(latency_sum_, {}, "_sum");
  page.value(total, {}, "_count");
  page.metric("mtasts_cache_hits_total", "counter", "Requests answered without the network, by where from.");
  page.value(memory_hits_, label("from", "memory"));
  page.value(store_hits_, label("from", "store"));
  page.metric("mtasts_lookups_total", "counter", "Requests that needed the network, by what was found out.");
  for (const auto& [result, number] : lookups_) page.value(number, label("result", result));
  page.metric("mtasts_delivery_events_total", "counter",
              "What happened to deliveries, by mail server and event; those of observe mode did no harm.");
  for (const auto& [of, number] : events_)
    page.value(number, label("server", of.first) + "," + label("event", of.second));
  page.simple("mtasts_requests_waiting", "gauge", "Requests that wait for the network.", waiting_);
  page.simple("mtasts_lookups_refused_total", "counter", "Requests refused because too many of the client's waited.",
              refused_lookups_);
  page.simple("mtasts_connections_total", "counter", "Connections taken.", connections_);
  page.simple("mtasts_connections", "gauge", "Connections open.", open_);
  page.simple("mtasts_connections_refused_total", "counter", "Connections closed because there were too many.",
              refused_);
  page.simple("mtasts_malformed_requests_total", "counter", "Connections closed because of what came over them.",
              malformed_);
  page.simple("mtasts_refresh_rounds_total", "counter", "Rounds through the store.", rounds_);
  page.simple("mtasts_policies_refreshed_total", "counter", "Policies that a round fetched again.", refreshed_);
  page.simple("mtasts_policy_refresh_failures_total", "counter", "Policies that a round could not fetch again.",
              refresh_failures_);
  page.simple("mtasts_store_policies", "gauge", "Policies in force at the last round.", policies_);
  page.simple("mtasts_store_domains", "gauge", "Domains cached at the last sweep.", domains_);
  page.metric("mtasts_reloads_total", "counter", "Configurations read again.");
  page.value(reloads_, label("result", "ok"));
  page.value(failed_reloads_, label("result", "refused"));
  if (const auto reports = reports_ ? reports_() : std::nullopt) {
    page.metric("mtasts_tlsrpt_sessions_total", "counter", "Sessions for tlsrpt-collectd, by what came of them.");
    page.value(reports->sent, label("result", "sent"));
    page.value(reports->lost, label("result", "lost"));
  }
  return page.text();
}

}  // namespace mtasts::server
