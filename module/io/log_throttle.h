// Keeps a warning that anybody can cause from filling the log, and from being given only once.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "core/time.h"

namespace mtasts {

class LogThrottle {
 public:
  explicit LogThrottle(std::chrono::seconds period) : period_(period) {}

  // True once a period; after recover() also before that, at most once a minute.
  bool is_due() {
    constexpr std::chrono::minutes kAfterRecovery{1};
    const auto now = std::chrono::steady_clock::now();
    if (last_ && now - *last_ < (recovered_ ? std::min<std::chrono::seconds>(kAfterRecovery, period_) : period_))
      return false;
    last_ = now;
    recovered_ = false;
    return true;
  }

  // The fault is over: the next one is news. True when it had been warned about.
  bool recover() { return last_ && !std::exchange(recovered_, true); }

 private:
  std::chrono::seconds period_;
  std::optional<SteadyTime> last_;
  bool recovered_ = false;
};

}  // namespace mtasts
