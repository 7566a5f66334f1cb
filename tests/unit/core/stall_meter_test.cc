#include "core/stall_meter.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>

namespace mtasts {
namespace {

using std::chrono::milliseconds;

// One timer, and a clock that is a number.
class Loop final : public EventLoop {
 public:
  std::unique_ptr<Watch> watch(int, unsigned, std::function<void(unsigned)>) override { return nullptr; }
  std::unique_ptr<Watch> after(milliseconds delay, std::function<void()> due) override {
    due_ = std::move(due);
    at_ = now + delay;
    return std::make_unique<Timer>(*this);
  }
  void run() override {}
  void stop() override {}

  // Time passes; the loop comes round at its end only.
  void stand_still(milliseconds span) {
    now += span;
    if (due_ && now >= at_) std::exchange(due_, nullptr)();
  }
  void run_for(milliseconds span) {
    for (const auto end = now + span; now < end;) stand_still(milliseconds{10});
  }
  [[nodiscard]] bool has_timer() const { return timers_ > 0; }

  SteadyTime now{};

 private:
  struct Timer : Watch {
    explicit Timer(Loop& loop) : loop_(loop) { ++loop_.timers_; }
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    ~Timer() override { --loop_.timers_; }
    Loop& loop_;
  };
  std::function<void()> due_;
  SteadyTime at_{};
  int timers_ = 0;
};

struct StallMeterTest : testing::Test {
  Loop loop;
  StallMeter meter{loop, [this] { return loop.now; }};
};

TEST_F(StallMeterTest, ALoopThatComesRoundHasNoStalls) {
  const StallMeter::Span span(meter);
  loop.run_for(milliseconds{5000});
  EXPECT_EQ(span.stalled(), milliseconds{0});
}

TEST_F(StallMeterTest, StallsAreAddedUp) {
  const StallMeter::Span span(meter);
  loop.run_for(milliseconds{200});
  loop.stand_still(milliseconds{1000});
  loop.run_for(milliseconds{300});
  loop.stand_still(milliseconds{2000});
  EXPECT_GE(span.stalled(), milliseconds{2800});
  EXPECT_LE(span.stalled(), milliseconds{3000});
}

TEST_F(StallMeterTest, TheStallThatGoesOnCounts) {
  const StallMeter::Span span(meter);
  loop.now += milliseconds{700};  // the meter's own timer has not been called yet
  EXPECT_EQ(span.stalled(), milliseconds{600});
}

TEST_F(StallMeterTest, WhatWasBeforeDoesNotCount) {
  StallMeter::Span first(meter);
  loop.stand_still(milliseconds{1000});
  const StallMeter::Span second(meter);
  EXPECT_EQ(second.stalled(), milliseconds{0});
  EXPECT_GT(first.stalled(), milliseconds{0});
  first.begin_anew();
  EXPECT_EQ(first.stalled(), milliseconds{0});
}

TEST_F(StallMeterTest, WakesNobodyUpWhereNothingIsMeasured) {
  std::optional<StallMeter::Span> span(std::in_place, meter);
  StallMeter::Span moved(std::move(*span));
  span.reset();
  EXPECT_TRUE(loop.has_timer());
  moved = StallMeter::Span(meter);
  EXPECT_TRUE(loop.has_timer());
  { const StallMeter::Span last(std::move(moved)); }
  EXPECT_FALSE(loop.has_timer());
  loop.now += milliseconds{5000};
  const StallMeter::Span later(meter);
  EXPECT_EQ(later.stalled(), milliseconds{0}) << "nobody wanted to be called meanwhile";
}

}  // namespace
}  // namespace mtasts
