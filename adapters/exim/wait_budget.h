// How long the lookups of one process may wait. Exim asks for one recipient after the other: without a common limit
// each domain whose policy host is slow would hold the whole message up for a deadline of its own.
#pragma once

#include <chrono>

#include "core/time.h"

namespace mtasts {

// All lookups together wait for `total` (`[engine] deadline_s`). After that each waits for kLeast only: long enough for
// a domain that answers, so that nobody's slow domains keep it from being looked up for ever. The process of an SMTP
// session may live for hours: a tenth of the time between lookups is regained. One thread.
class WaitBudget {
 public:
  static constexpr std::chrono::milliseconds kLeast{500};

  explicit WaitBudget(std::chrono::milliseconds total) : total_(total), left_(total) {}

  // How long a lookup that begins now may wait.
  std::chrono::milliseconds begin(SteadyTime now);
  // It has ended.
  void end(SteadyTime now);

 private:
  SteadyTime::duration total_;
  SteadyTime::duration left_;
  SteadyTime since_{};  // the last begin() or end()
};

}  // namespace mtasts
