// Whether something on an event loop holds up everything else on it.
#pragma once

#include <algorithm>
#include <chrono>
#include <memory>

#include "core/ports.h"
#include "core/time.h"

namespace mtasts::test {

class Pulse {
 public:
  explicit Pulse(EventLoop& loop) : loop_(loop) { beat(); }
  // The longest time between two rounds of the loop, the one that has not ended yet included.
  [[nodiscard]] std::chrono::steady_clock::duration longest() const {
    return std::max(longest_, std::chrono::steady_clock::now() - last_);
  }

 private:
  void beat() {
    longest_ = longest();
    last_ = std::chrono::steady_clock::now();
    timer_ = loop_.after(std::chrono::milliseconds{5}, [this] { beat(); });
  }

  EventLoop& loop_;
  SteadyTime last_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::duration longest_{};
  std::unique_ptr<EventLoop::Watch> timer_;
};

}  // namespace mtasts::test
