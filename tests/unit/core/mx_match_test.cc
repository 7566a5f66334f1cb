#include "core/mx_match.h"

#include <gtest/gtest.h>

namespace mtasts {
namespace {

struct Case {
  const char* pattern;
  const char* host;
  bool matches;
};

constexpr Case kCases[] = {
    {"mx.example.com", "mx.example.com", true},
    {"mx.example.com", "MX.Example.COM", true},
    {"mx.example.com", "mx.example.com.", true},
    {"mx.example.com", "mx.example.com..", false},
    {"mx.example.com", "mx2.example.com", false},
    {"mx.example.com", "a.mx.example.com", false},
    {"mx.example.com", "example.com", false},
    {"mx.example.com", "mx.example.co", false},
    {"mx.example.com", "mx.example.com.evil.net", false},
    {"mx.example.com", "", false},
    {"mx.example.com", ".", false},
    {"*.example.com", "a.example.com", true},
    {"*.example.com", "A.EXAMPLE.com.", true},
    {"*.example.com", "xn--bcher-kva.example.com", true},
    {"*.example.com", "example.com", false},
    {"*.example.com", ".example.com", false},
    {"*.example.com", "a.b.example.com", false},
    {"*.example.com", "aexample.com", false},
    {"*.example.com", "a.example.com.net", false},
    {"*.example.com", "a.example.org", false},
    {"*.example.com", "", false},
    {"*.example.com", "com", false},
    {"*.com", "example.com", true},
    {"*.com", "mx.example.com", false},
    {"xn--bcher-kva.example", "XN--BCHER-KVA.example", true},
    {"xn--bcher-kva.example",
     "b\xc3\xbc"
     "cher.example",
     false},
};

TEST(MxMatch, R24AWildcardStandsForExactlyOneLabel) {
  for (const Case& c : kCases) EXPECT_EQ(mx_matches(c.pattern, c.host), c.matches) << c.pattern << " " << c.host;
}

TEST(MxMatch, R24AnyPatternMayAllowAHost) {
  const std::vector<std::string> patterns{"mx1.example.com", "*.backup.example.net"};
  EXPECT_TRUE(mx_allowed(patterns, "mx1.example.com"));
  EXPECT_TRUE(mx_allowed(patterns, "b.backup.example.net"));
  EXPECT_FALSE(mx_allowed(patterns, "mx2.example.com"));
  EXPECT_FALSE(mx_allowed({}, "mx1.example.com"));
}

}  // namespace
}  // namespace mtasts
