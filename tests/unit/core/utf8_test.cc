#include "core/utf8.h"

#include <gtest/gtest.h>

namespace mtasts {
namespace {

TEST(Utf8, AcceptsEveryLengthAndTheEdgesOfTheCodeSpace) {
  for (const char* text :
       {"", "plain", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
        "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "gr\xc3\xbc\xc3\x9f dich \xf0\x9f\x93\xa7"}) {
    EXPECT_TRUE(is_utf8(text)) << text;
  }
}

TEST(Utf8, RefusesWhatRfc3629Refuses) {
  const char* const kBad[] = {
      "\x80",              // a continuation without a start
      "\xc3",              // cut off
      "\xc3(",             // no continuation
      "\xc0\xaf",          // overlong
      "\xc1\xbf",          // overlong
      "\xe0\x9f\xbf",      // overlong
      "\xf0\x8f\xbf\xbf",  // overlong
      "\xed\xa0\x80",      // a surrogate
      "\xf4\x90\x80\x80",  // beyond U+10FFFF
      "\xf5\x80\x80\x80",
      "\xff",
      "\xe2\x82",
      "\xf0\x9f\x93",
      "\xe2\x82\xac\x80",
      "\xe2\x28\xa1",
      "\xf0\x9f\x28\xa7",
  };
  for (const char* text : kBad) EXPECT_FALSE(is_utf8(text)) << text;
}

}  // namespace
}  // namespace mtasts
