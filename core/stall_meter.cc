#include "core/stall_meter.h"

#include <algorithm>
#include <utility>

namespace mtasts {
namespace {

constexpr std::chrono::milliseconds kBeat{100};
// A round of a busy loop is no stall.
constexpr std::chrono::milliseconds kUsual{100};

}  // namespace

StallMeter::StallMeter(EventLoop& loop, Clock clock) : loop_(loop), clock_(std::move(clock)) {}

StallMeter::Duration StallMeter::start() {
  if (spans_++ == 0) beat();
  return total();
}

void StallMeter::stop() {
  if (--spans_ > 0) return;
  total_ += current();
  timer_.reset();
}

void StallMeter::beat() {
  total_ += current();
  due_ = clock_() + kBeat;
  timer_ = loop_.after(kBeat, [this] { beat(); });
}

StallMeter::Duration StallMeter::current() const {
  if (!timer_) return {};
  const Duration late = clock_() - due_;
  return late > kUsual ? late : Duration{};
}

}  // namespace mtasts
