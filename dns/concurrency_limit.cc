#include "dns/concurrency_limit.h"

#include <algorithm>

namespace mtasts {

void ConcurrencyLimit::answered(Time now) {
  last_answer_ = now;
  limit_ = std::min(limit_ + 1, most_);  // doubles it with each round
}

void ConcurrencyLimit::found_alive(Time now) {
  last_answer_ = now;
  limit_ = most_;
}

bool ConcurrencyLimit::timed_out(Time asked_at, Time now) {
  if (last_answer_ > asked_at) return false;
  shrink(asked_at, now);
  return true;
}

void ConcurrencyLimit::unreachable(Time asked_at, Time now) {
  shrink(asked_at, now);
  closed_until_ = now + kPause;
}

void ConcurrencyLimit::shrink(Time asked_at, Time now) {
  if (asked_at < last_shrunk_) return;
  limit_ = std::max(limit_ / 2, 1U);
  last_shrunk_ = now;
}

}  // namespace mtasts
