// Keeps a warning that anybody can cause from filling the log.
#pragma once

#include <chrono>
#include <optional>

namespace mtasts {

class LogThrottle {
 public:
  explicit LogThrottle(std::chrono::seconds period) : period_(period) {}

  // True once a period.
  bool is_due() {
    const auto now = std::chrono::steady_clock::now();
    if (last_ && now - *last_ < period_) return false;
    last_ = now;
    return true;
  }

 private:
  std::chrono::seconds period_;
  std::optional<std::chrono::steady_clock::time_point> last_;
};

}  // namespace mtasts
