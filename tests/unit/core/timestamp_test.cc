#include "core/timestamp.h"

#include <gtest/gtest.h>

namespace mtasts {
namespace {

std::string written(long seconds) { return rfc3339(WallTime{std::chrono::seconds{seconds}}); }

TEST(Timestamp, WritesRfc3339InUtc) {
  EXPECT_EQ(written(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(written(1'764'000'000), "2025-11-24T16:00:00Z");
  EXPECT_EQ(written(951'782'399), "2000-02-28T23:59:59Z");
  EXPECT_EQ(written(951'782'400), "2000-02-29T00:00:00Z");
  EXPECT_EQ(written(4'102'444'800), "2100-01-01T00:00:00Z");
  EXPECT_EQ(written(253'402'300'799), "9999-12-31T23:59:59Z");
  EXPECT_EQ(written(-1), "1969-12-31T23:59:59Z");
}

}  // namespace
}  // namespace mtasts
