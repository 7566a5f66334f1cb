// One configuration at work: store, network, engine, answers and the hourly round through the store, on the loop of the
// process. A new configuration is a new service beside the old one, which ends what it has begun.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "adapters/socketmap/answers.h"
#include "module/network.h"
#include "module/upkeep_round.h"

namespace mtasts::socketmap {

class Service {
 public:
  // `loop`, `log` and `metrics` must outlive the service. Error kEngine.
  static Result<std::unique_ptr<Service>> open(Config config, EventLoop& loop, Log& log, Metrics& metrics);

  [[nodiscard]] const Config& config() const { return config_; }
  Desk& desk() { return answers_; }

  // Rounds from now on, the first one `first` from now.
  void begin_rounds(std::chrono::milliseconds first);
  // No round begins any more. `idle` is called from the loop, once, when nothing is under way; it may destroy the
  // service.
  void retire(std::function<void()> idle);

 private:
  Service(Config config, std::unique_ptr<Network> network, EventLoop& loop, Log& log, Metrics& metrics);

  void run_round();
  void round_ended(const UpkeepSummary& summary);
  void consider_ending();

  Config config_;
  EventLoop& loop_;
  Log& log_;
  Metrics& metrics_;
  FileStore store_;
  std::unique_ptr<Network> network_;
  Engine engine_;
  Answers answers_;
  std::optional<UpkeepRound> round_;
  std::unique_ptr<EventLoop::Watch> next_round_;
  std::function<void()> idle_;
  std::unique_ptr<EventLoop::Watch> idle_soon_;
};

}  // namespace mtasts::socketmap
