#include "dns/concurrency_limit.h"

#include <algorithm>

namespace mtasts {

void ConcurrencyLimit::answered(SteadyTime now) {
  last_answer_ = now;
  limit_ = std::min(limit_ + 1, most_);  // doubles it with each round
}

void ConcurrencyLimit::found_alive(SteadyTime now) {
  last_answer_ = now;
  limit_ = most_;
}

bool ConcurrencyLimit::timed_out(SteadyTime asked_at, SteadyTime now) {
  if (last_answer_ > asked_at) return false;
  shrink(asked_at, now);
  return true;
}

void ConcurrencyLimit::unreachable(SteadyTime asked_at, SteadyTime now) {
  shrink(asked_at, now);
  closed_until_ = now + kPause;
}

void ConcurrencyLimit::shrink(SteadyTime asked_at, SteadyTime now) {
  if (asked_at < last_shrunk_) return;
  limit_ = std::max(limit_ / 2, 1U);
  last_shrunk_ = now;
}

}  // namespace mtasts
