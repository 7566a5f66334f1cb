#include "module/store/clock_watch.h"

#include <gtest/gtest.h>

#include "tests/unit/module/store/store_test.h"

namespace mtasts {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;

constexpr hours kDay{24};

class ClockWatchTest : public test::StoreTest {
 protected:
  // Rounds, a day apart; what the last one was told.
  bool days_pass(int days) {
    bool steady = false;
    for (int day = 0; day < days; ++day) steady = watch_.is_steady(now_ += kDay);
    return steady;
  }
  ClockWatch watch_{scratch_.path()};
  WallTime now_ = now();
};

TEST_F(ClockWatchTest, AClockIsBelievedAfterAWeekWithoutALeap) {
  EXPECT_FALSE(days_pass(7));
  EXPECT_TRUE(days_pass(1));
  EXPECT_TRUE(ClockWatch(scratch_.path()).is_steady(now_)) << "whichever process asks";
}

TEST_F(ClockWatchTest, ALeapIsDistrustedForAWeekInBothDirections) {
  for (const hours leap : {hours(49), -hours(49)}) {
    ASSERT_TRUE(days_pass(9));
    EXPECT_FALSE(watch_.is_steady(now_ += leap));
    EXPECT_FALSE(days_pass(6));
    EXPECT_TRUE(days_pass(1));
    EXPECT_TRUE(watch_.is_steady(now_ += hours(48))) << "a machine may sleep for two days";
  }
}

TEST_F(ClockWatchTest, WhatIsDamagedBeginsAnew) {
  ASSERT_TRUE(days_pass(9));
  std::ofstream(scratch_.path() + "/.clock") << "12 noise\n";
  EXPECT_FALSE(days_pass(7));
  EXPECT_TRUE(days_pass(1));
}

TEST_F(ClockWatchTest, NothingIsWrittenThroughALinkToAnEntry) {
  const CacheEntry saved = test::with_policy();
  ASSERT_TRUE(store_.put(saved));
  const fs::path entry = file();
  const fs::path clock = fs::path(scratch_.path()) / ".clock";
  fs::create_hard_link(entry, clock);
  watch_.is_steady(now_);
  EXPECT_EQ(store_.get(test::domain()).value(), saved);
  fs::remove(clock);
  fs::create_symlink(entry, clock);
  watch_.is_steady(now_);
  EXPECT_EQ(store_.get(test::domain()).value(), saved);
  EXPECT_FALSE(fs::is_symlink(clock));
}

TEST_F(ClockWatchTest, NoClockIsBelievedWhereNothingCanBeWritten) {
  ClockWatch nowhere(scratch_.path() + "/nowhere");
  for (int day = 0; day < 9; ++day) EXPECT_FALSE(nowhere.is_steady(now_ += kDay));
}

}  // namespace
}  // namespace mtasts
