#include "adapters/exim/request_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mtasts {
namespace {

using testing::ElementsAre;

TEST(RequestLine, HasBareAndQuotedWords) {
  EXPECT_THAT(parse_request_line("route example.com").value(), ElementsAre("route", "example.com"));
  EXPECT_THAT(parse_request_line(R"(event "smtp:ehlo" "" -37)").value(), ElementsAre("event", "smtp:ehlo", "", "-37"));
}

// ${quote:...} of Exim writes a line feed as \n, a carriage return as \r, and a backslash before " and \.
TEST(RequestLine, AQuotedWordHasWhateverAPeerChose) {
  EXPECT_THAT(parse_request_line(R"(event "250-a\r\n250 \"b\" \\ c" "x y")").value(),
              ElementsAre("event", "250-a\r\n250 \"b\" \\ c", "x y"));
  EXPECT_THAT(parse_request_line("mode \"m\xc3\xbcnchen.example\"").value(),
              ElementsAre("mode", "m\xc3\xbcnchen.example"));
}

TEST(RequestLine, WhatIsOutOfPlaceIsRefused) {
  for (const char* line : {"", " route", "route ", "route  a", "route\ta", "route a\r", "ro\"ute\"", "\"a\"b", "\"a",
                           "\"a\\", "\"a\\x\"", "\"a\\\"", "a b c d e f g h i", "\"a\rb\"", "r\xc3\xb6ute"}) {
    const auto words = parse_request_line(line);
    ASSERT_FALSE(words) << line;
    EXPECT_EQ(words.error().code, ErrorCode::kConfig) << line;
  }
  EXPECT_FALSE(parse_request_line(std::string_view("\"a\0b\"", 5)));
}

}  // namespace
}  // namespace mtasts
