// Bounds lines of which each one is news, and which anybody who may ask can cause in any number.
#pragma once

#include <chrono>
#include <cstddef>

#include "core/time.h"

namespace mtasts {

class LogBudget {
 public:
  explicit LogBudget(std::size_t lines_a_minute) : lines_(lines_a_minute) {}

  // May one more line be written now?
  bool take(SteadyTime now) {
    if (now - since_ >= std::chrono::minutes(1)) {
      since_ = now;
      left_ = lines_;
    }
    if (left_ == 0) return false;
    --left_;
    return true;
  }

 private:
  std::size_t lines_;
  std::size_t left_ = 0;
  SteadyTime since_{};
};

}  // namespace mtasts
