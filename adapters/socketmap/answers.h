// Answers requests: from memory, from the store, or by a lookup (docs/architecture.md, a lookup's way).
#pragma once

#include <chrono>
#include <optional>

#include "adapters/socketmap/desk.h"
#include "adapters/socketmap/memory.h"
#include "adapters/socketmap/metrics.h"
#include "module/config.h"
#include "module/engine.h"
#include "module/policy_store.h"

namespace mtasts::socketmap {

// Everything passed to the constructor must outlive the object, and the object the lookups of the engine.
class Answers final : public Desk {
 public:
  struct Parts {
    Engine& engine;
    FileStore& store;
    Log& log;
    Metrics& metrics;
    Engine::Clock clock;
  };

  Answers(Parts parts, const Config& config) : parts_(std::move(parts)), config_(config), memory_(kMemory) {}

  const std::string* known(std::string_view request) override;
  void ask(std::string_view request, Done done) override;
  void complain(std::string_view why, std::string_view beginning) override;

 private:
  static constexpr std::size_t kMemory = 8U << 20U;  // octets

  [[nodiscard]] Remembered answer(Map map, const Decision& decision, std::string_view request) const;
  // What known() returns: remembered for `good_for`, or for this once.
  const std::string* keep(std::string_view request, Remembered remembered, std::chrono::seconds good_for);
  [[nodiscard]] std::chrono::seconds good_for(const Outcome& outcome) const;

  Parts parts_;
  const Config& config_;
  Memory memory_;
  std::optional<SteadyTime> warned_;
  std::string once_;  // the last frame that memory_ does not have
};

}  // namespace mtasts::socketmap
