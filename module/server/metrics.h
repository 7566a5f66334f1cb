// What the server counts, and how Prometheus reads it.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/lookup.h"
#include "module/engine/sweep.h"
#include "module/server/protocol.h"
#include "module/store/delivery_events.h"
#include "module/tlsrpt/socket.h"

namespace mtasts::server {

// One thread. Counters start with the process and only grow; gauges say what is now.
class Metrics {
 public:
  Metrics();

  // Counted from zero, so that what has not happened yet is seen too.
  void expect(const std::vector<Label>& labels);
  // An answer that was given from memory or store at once, or after a lookup that took `took`.
  void answered_at_once(const std::optional<Label>& label);
  void answered(const std::optional<Label>& label, std::chrono::duration<double> took);
  void from_memory() { ++memory_hits_; }
  void from_store() { ++store_hits_; }
  // Something happened to a delivery (module/store/delivery_events.h).
  void happened(const DeliveryEvent& event) { ++events_[{event.server, std::string(event.event)}]; }
  // The network was needed. `outcome`: what came of it.
  void looked_up(const Outcome& outcome);
  void waiting(int change) { waiting_ += change; }

  void connected() { ++connections_, ++open_; }
  void disconnected() { --open_; }
  void refused() { ++refused_; }
  void refused_lookup() { ++refused_lookups_; }
  void malformed() { ++malformed_; }

  void round_ended(const SweepSummary& summary);
  // Those of the process so far; nullopt where nothing is reported.
  using CountReports = std::function<std::optional<TlsrptCounts>()>;
  void count_reports(CountReports reports) { reports_ = std::move(reports); }
  void reloaded(bool worked) { ++(worked ? reloads_ : failed_reloads_); }

  // Text format 0.0.4.
  [[nodiscard]] std::string text() const;

 private:
  static constexpr std::array<double, 9> kBounds{0.001, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 20};  // seconds
  using Count = std::uint64_t;

  std::map<Label, Count> answers_;
  std::array<Count, kBounds.size() + 1> latency_{};  // each bound's own; the last: longer
  double latency_sum_ = 0;
  std::map<std::pair<std::string, std::string>, Count> events_;  // by server and event
  Count memory_hits_ = 0;
  Count store_hits_ = 0;
  std::map<std::string, Count> lookups_;  // by result
  std::int64_t waiting_ = 0;
  Count connections_ = 0;
  std::int64_t open_ = 0;
  Count refused_ = 0;
  Count refused_lookups_ = 0;
  Count malformed_ = 0;
  Count rounds_ = 0;
  Count refreshed_ = 0;
  Count refresh_failures_ = 0;
  Count policies_ = 0;
  Count domains_ = 0;
  Count reloads_ = 0;
  Count failed_reloads_ = 0;
  CountReports reports_;
};

}  // namespace mtasts::server
