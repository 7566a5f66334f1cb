#include "dns/concurrency_limit.h"

#include <gtest/gtest.h>

namespace mtasts {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class WindowOf : public testing::Test {
 protected:
  // How many questions can be asked now.
  unsigned ask_all() {
    unsigned asked = 0;
    for (; under_way_ < window_.limit(now_); ++asked) ++under_way_;
    return asked;
  }
  void time_out(unsigned questions, SteadyTime asked_at) {
    for (unsigned i = 0; i < questions; ++i) window_.timed_out(asked_at, now_);
    under_way_ -= questions;
  }
  // A second passes, then all that are asked now time out. How many that were.
  unsigned silent_round() {
    const auto asked_at = now_;
    const unsigned asked = ask_all();
    now_ += seconds{1};
    time_out(asked, asked_at);
    now_ += milliseconds{1};
    return asked;
  }

  void answer(unsigned questions) {
    for (unsigned i = 0; i < questions; ++i) window_.answered(now_);
    under_way_ -= questions;
  }

  ConcurrencyLimit window_{200};
  unsigned under_way_ = 0;
  SteadyTime now_ = SteadyTime{} + seconds{1000};
};

TEST_F(WindowOf, AsManyAsAllowedToBeginWith) {
  EXPECT_EQ(ask_all(), 200U);
  answer(1);
  EXPECT_EQ(ask_all(), 1U) << "and no more than allowed";
}

TEST_F(WindowOf, HalfAsManyWithEachSilentRoundDownToOne) {
  for (const unsigned expected : {200U, 100U, 50U, 25U, 12U, 6U, 3U, 1U, 1U}) EXPECT_EQ(silent_round(), expected);
}

TEST_F(WindowOf, DoublesWithEachRoundOfAnswers) {
  while (silent_round() > 1) continue;
  for (const unsigned expected : {1U, 2U, 4U, 8U, 16U, 32U, 64U, 128U, 200U, 200U}) {
    EXPECT_EQ(ask_all(), expected);
    answer(expected);
  }
}

TEST_F(WindowOf, TimeoutsAmongAnswersAreNoFault) {
  const auto asked_at = now_;
  now_ += seconds{1};
  window_.answered(now_);
  EXPECT_FALSE(window_.timed_out(asked_at, now_));
  EXPECT_EQ(ask_all(), 200U);
}

TEST_F(WindowOf, AnswersOfBeforeDoNotExcuseTimeouts) {
  window_.answered(now_);
  now_ += seconds{1};
  EXPECT_TRUE(window_.timed_out(now_, now_ + seconds{1}));
  EXPECT_EQ(ask_all(), 100U);
}

TEST_F(WindowOf, ClosesForAMomentWhenTheConnectionFails) {
  window_.unreachable(now_, now_);
  EXPECT_EQ(ask_all(), 0U);
  now_ += ConcurrencyLimit::kPause;
  EXPECT_EQ(window_.closed_until(), now_);
  EXPECT_EQ(ask_all(), 100U);
}

TEST_F(WindowOf, OpensWholeWhenTheResolverIsFoundAlive) {
  silent_round();
  silent_round();
  window_.found_alive(now_);
  EXPECT_EQ(ask_all(), 200U);
}

}  // namespace
}  // namespace mtasts
