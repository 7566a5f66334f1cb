#include "adapters/cli/report/date.h"

#include <gtest/gtest.h>

#include <string>

namespace mtasts::report {
namespace {

using namespace std::chrono_literals;
using std::chrono::sys_days;

TEST(ReportDate, IsADateTimeOfRfc3339) {
  const auto noon = sys_days{2026y / 1 / 31} + 12h;
  for (const char* text : {"2026-01-31T12:00:00Z", "2026-01-31t12:00:00z", "2026-01-31T14:30:00+02:30",
                           "2026-01-31T11:00:00-01:00", "2026-01-31T12:00:00.987654321Z", "2026-01-31T12:00:00-00:00"})
    EXPECT_EQ(parse_date(text), noon) << text;
  EXPECT_EQ(parse_date("2026-12-31T23:59:60Z"), sys_days{2027y / 1 / 1}) << "a leap second";
  EXPECT_EQ(parse_date("2028-02-29T00:00:00Z"), sys_days{2028y / 2 / 29});
}

TEST(ReportDate, IsNothingElse) {
  for (const char* text : {"",
                           "2026",
                           "2026-01-31",
                           "2026-01-31T12:00:00",
                           "2026-01-31T12:00Z",
                           "2026-01-31 12:00:00Z",
                           "2026-02-29T00:00:00Z",
                           "2026-13-01T00:00:00Z",
                           "2026-00-01T00:00:00Z",
                           "2026-01-00T00:00:00Z",
                           "2026-01-31T24:00:00Z",
                           "2026-01-31T00:60:00Z",
                           "2026-01-31T00:00:61Z",
                           "2026-01-31T00:00:00.Z",
                           "2026-01-31T00:00:00+24:00",
                           "2026-01-31T00:00:00+0200",
                           "2026-01-31T00:00:00Zx",
                           "+026-01-31T00:00:00Z",
                           "26-01-31T00:00:00Z",
                           " 2026-01-31T00:00:00Z",
                           "2026-01-31T00:00:00\xce\xa9"})
    EXPECT_EQ(parse_date(text), std::nullopt) << text;
  EXPECT_EQ(parse_date(std::string("2026-01-31T00:00:00\0", 20)), std::nullopt);
}

TEST(ReportDate, IsOfThisCentury) {
  EXPECT_TRUE(parse_date("2000-01-01T00:00:00Z"));
  EXPECT_TRUE(parse_date("2099-12-31T23:59:59Z"));
  for (const char* text :
       {"1999-12-31T23:59:59Z", "2100-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "9999-12-31T00:00:00Z",
        "0000-01-01T00:00:00Z", "2000-01-01T00:00:00+01:00", "2099-12-31T23:59:59-01:00"})
    EXPECT_EQ(parse_date(text), std::nullopt) << text;
}

}  // namespace
}  // namespace mtasts::report
