#include "dns/window.h"

#include <algorithm>

namespace mtasts {

void Window::answered(Time now) {
  last_answer_ = now;
  limit_ = std::min(limit_ + 1, most_);  // doubles it with each round
}

void Window::found_alive(Time now) {
  last_answer_ = now;
  limit_ = most_;
}

bool Window::timed_out(Time asked_at, Time now) {
  if (last_answer_ > asked_at) return false;
  shrink(asked_at, now);
  return true;
}

void Window::unreachable(Time asked_at, Time now) {
  shrink(asked_at, now);
  closed_until_ = now + kPause;
}

void Window::shrink(Time asked_at, Time now) {
  if (asked_at < last_shrunk_) return;
  limit_ = std::max(limit_ / 2, 1U);
  last_shrunk_ = now;
}

}  // namespace mtasts
