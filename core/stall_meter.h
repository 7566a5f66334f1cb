// For how long a loop did not come round: this process was busy, waited for a disk, was stopped or had no processor.
// What was not read or sent in that time says nothing of anybody else, so that a time limit which passed meanwhile is
// no finding about a resolver or a host. Time is told by the caller.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

#include "core/ports.h"
#include "core/time.h"

namespace mtasts {

class StallMeter {
 public:
  using Clock = std::function<SteadyTime()>;
  using Duration = SteadyTime::duration;

  // `loop` must outlive it.
  StallMeter(EventLoop& loop, Clock clock);

  // A time that is measured. As long as there is one the meter wakes the process up, ten times a second.
  class Span {
   public:
    explicit Span(StallMeter& meter) : meter_(&meter), before_(meter.start()) {}
    ~Span() {
      if (meter_ != nullptr) meter_->stop();
    }
    Span(Span&& other) noexcept : meter_(std::exchange(other.meter_, nullptr)), before_(other.before_) {}
    Span& operator=(Span&& other) noexcept {
      std::swap(meter_, other.meter_);
      std::swap(before_, other.before_);
      return *this;
    }
    Span(const Span&) = delete;
    Span& operator=(const Span&) = delete;

    // All stalls since it began, the one that is going on included.
    [[nodiscard]] Duration stalled() const { return meter_->total() - before_; }
    void begin_anew() { before_ = meter_->total(); }

   private:
    StallMeter* meter_;
    Duration before_;
  };

 private:
  Duration start();
  void stop();
  [[nodiscard]] Duration total() const { return total_ + current(); }
  void beat();
  // Of the stall that is going on, if there is one.
  [[nodiscard]] Duration current() const;

  EventLoop& loop_;
  Clock clock_;
  std::size_t spans_ = 0;
  Duration total_{};
  SteadyTime due_{};
  std::unique_ptr<EventLoop::Watch> timer_;
};

}  // namespace mtasts
