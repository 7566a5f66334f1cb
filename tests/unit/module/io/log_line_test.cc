#include "module/io/log_line.h"

#include <gtest/gtest.h>

namespace mtasts {
namespace {

TEST(LogLine, IsAnEventAndItsFieldsInOrder) {
  EXPECT_EQ(LogLine("reload").line(), "event=reload");
  EXPECT_EQ(
      LogLine("refresh-failed").field("domain", "example.com").field("tries", 3U).text("detail", "no answer").line(),
      "event=refresh-failed domain=example.com tries=3 detail=\"no answer\"");
  EXPECT_EQ(LogLine("x").field("id", "").text("detail", "").line(), "event=x id= detail=\"\"");
}

TEST(LogLine, NoValueBecomesAFieldOfItsOwn) {
  EXPECT_EQ(LogLine("x").field("mx", "a\" event=y").line(), "event=x mx=a\\x22\\x20event=y");
  EXPECT_EQ(LogLine("x").text("detail", "a\" event=y").line(), "event=x detail=\"a' event=y\"");
  EXPECT_EQ(LogLine("x").text("detail", "a\nevent=y\x7f\t").field("k", std::string_view("\0", 1)).line(),
            "event=x detail=\"a\\x0aevent=y\\x7f\\x09\" k=\\x00");
}

// What was escaped before stays readable, and so does a path in UTF-8.
TEST(LogLine, LeavesTheRestAsItIs) {
  EXPECT_EQ(LogLine("x").text("detail", "\\x22 'it' = fine; \\").field("path", "/größe").line(),
            "event=x detail=\"\\x22 'it' = fine; \\\" path=/größe");
}

}  // namespace
}  // namespace mtasts
