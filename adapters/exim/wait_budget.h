// How long the lookups of one process may wait. Exim asks for one recipient after the other: without a common limit
// each domain whose policy host is slow would hold the whole message up for a deadline of its own.
#pragma once

#include <chrono>

namespace mtasts {

// All lookups together wait for `total` (`[engine] deadline_s`). After that each waits for kLeast only: long enough for
// a domain that answers, so that nobody's slow domains keep it from being looked up for ever. The process of an SMTP
// session may live for hours: a tenth of the time between lookups is regained. One thread.
class WaitBudget {
 public:
  using Clock = std::chrono::steady_clock;

  static constexpr std::chrono::milliseconds kLeast{500};

  explicit WaitBudget(std::chrono::milliseconds total) : total_(total), left_(total) {}

  // How long a lookup that begins now may wait.
  std::chrono::milliseconds begin(Clock::time_point now);
  // It has ended.
  void end(Clock::time_point now);

 private:
  Clock::duration total_;
  Clock::duration left_;
  Clock::time_point since_{};  // the last begin() or end()
};

}  // namespace mtasts
