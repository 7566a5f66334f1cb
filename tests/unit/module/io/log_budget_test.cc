#include "module/io/log_budget.h"

#include <gtest/gtest.h>

namespace mtasts {
namespace {

using std::chrono::seconds;

TEST(LogBudget, SoManyLinesAMinuteAndThenAgain) {
  const SteadyTime now{seconds(1000)};
  LogBudget budget(2);
  EXPECT_TRUE(budget.take(now));
  EXPECT_TRUE(budget.take(now + seconds(59)));
  EXPECT_FALSE(budget.take(now + seconds(59)));
  EXPECT_TRUE(budget.take(now + seconds(60)));
}

}  // namespace
}  // namespace mtasts
