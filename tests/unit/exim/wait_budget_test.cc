#include "adapters/exim/wait_budget.h"

#include <gtest/gtest.h>

namespace mtasts {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class WaitBudgetTest : public testing::Test {
 protected:
  // A lookup that takes as long as it is allowed to, but no longer than `needs`.
  milliseconds lookup(milliseconds needs) {
    const milliseconds allowed = budget_.begin(now_);
    now_ += std::min(needs, allowed);
    budget_.end(now_);
    return allowed;
  }

  WaitBudget budget_{seconds(20)};
  SteadyTime now_ = SteadyTime{} + std::chrono::hours(1);
};

TEST_F(WaitBudgetTest, TheFirstLookupHasAllOfIt) { EXPECT_EQ(lookup(seconds(60)), seconds(20)); }

TEST_F(WaitBudgetTest, AllLookupsOfAProcessShareIt) {
  EXPECT_EQ(lookup(seconds(12)), seconds(20));
  EXPECT_EQ(lookup(seconds(5)), seconds(8));
  EXPECT_EQ(lookup(seconds(60)), seconds(3));
}

TEST_F(WaitBudgetTest, WhoComesAfterItIsUsedUpStillHasAMoment) {
  const auto begin = now_;
  for (int domain = 0; domain < 4; ++domain) lookup(seconds(60));
  EXPECT_EQ(now_ - begin, seconds(20) + 3 * WaitBudget::kLeast);
}

TEST_F(WaitBudgetTest, ASmallOneIsNotExceeded) {
  budget_ = WaitBudget(milliseconds(300));
  EXPECT_EQ(lookup(seconds(60)), milliseconds(300));
  EXPECT_EQ(lookup(seconds(60)), milliseconds(300));
}

TEST_F(WaitBudgetTest, ATenthOfTheTimeBetweenLookupsIsRegained) {
  lookup(seconds(60));
  now_ += seconds(50);
  EXPECT_EQ(lookup(seconds(60)), seconds(5));
  now_ += std::chrono::hours(1);
  EXPECT_EQ(lookup(seconds(60)), seconds(20));
}

}  // namespace
}  // namespace mtasts
