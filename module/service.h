// One configuration at work in a long-lived process: store, lookup helper and the hourly round through the store, on
// the loop of the process. A new configuration is a new service beside the old one, which ends what it has begun.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "module/config/config.h"
#include "module/engine/cached_lookups.h"
#include "module/engine/sweep.h"
#include "module/helper/client.h"
#include "module/store/policy_store.h"

namespace mtasts {

class Service {
 public:
  using RoundEnded = std::function<void(const SweepSummary&)>;

  // `loop` and `log` must outlive the service. `log_target`: of the helper, the same as of `log`. Errors as
  // HelperClient::open.
  static Result<std::unique_ptr<Service>> open(Config config, EventLoop& loop, Log& log, LogTarget log_target);

  [[nodiscard]] const Config& config() const { return config_; }
  FileStore& store() { return store_; }
  // By the helper, whatever is cached.
  Lookups& lookups() { return *helper_; }
  // For deliveries: from the cache where that is enough, which counts as a use.
  Lookups& cached_lookups() { return *cached_lookups_; }
  Resolver& resolver() { return helper_->resolver(); }
  MxProber& prober() { return helper_->prober(); }

  // A round every hour, the first one some minutes from now: several machines that start together do not refresh
  // together. `ended` is told of each.
  void begin_rounds(RoundEnded ended);
  // No round begins any more. `idle` is called from the loop, once, when nothing is under way; it may destroy the
  // service.
  void retire(std::function<void()> idle);

 private:
  Service(Config config, EventLoop& loop, Log& log);

  void next_round_in(std::chrono::milliseconds delay);
  void run_round();
  void round_ended(const SweepSummary& summary);
  void consider_ending();

  Config config_;
  EventLoop& loop_;
  Log& log_;
  FileStore store_;
  std::unique_ptr<HelperClient> helper_;
  std::optional<CachedLookups> cached_lookups_;
  RoundEnded told_;
  std::optional<Sweep> round_;
  std::unique_ptr<EventLoop::Watch> next_round_;
  std::function<void()> idle_;
  std::unique_ptr<EventLoop::Watch> idle_soon_;
};

}  // namespace mtasts
