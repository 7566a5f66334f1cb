#include "module/io/netstring.h"

#include <gtest/gtest.h>

namespace mtasts {
namespace {

TEST(Netstring, GivesThePayloadAndWhatItTook) {
  const NetstringResult found = parse_netstring("19:postfix example.com,4:next", 100);
  ASSERT_EQ(found.kind, NetstringResult::Kind::kComplete);
  EXPECT_EQ(found.payload, "postfix example.com");
  EXPECT_EQ(found.consumed, 23U);
}

TEST(Netstring, MayBeEmpty) {
  const NetstringResult found = parse_netstring("0:,", 100);
  ASSERT_EQ(found.kind, NetstringResult::Kind::kComplete);
  EXPECT_EQ(found.payload, "");
  EXPECT_EQ(found.consumed, 3U);
}

TEST(Netstring, MayHoldAnyOctet) {
  const std::string payload("\0,:\xff\n9:", 7);
  EXPECT_EQ(parse_netstring(encode_netstring(payload), 7).payload, payload);
}

TEST(Netstring, IsIncompleteUpToItsLastOctet) {
  const std::string whole = "12:postfix a.bc,";
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_EQ(parse_netstring(whole.substr(0, length), 100).kind, NetstringResult::Kind::kIncomplete) << length;
  }
  EXPECT_EQ(parse_netstring(whole, 100).kind, NetstringResult::Kind::kComplete);
}

TEST(Netstring, IsMalformedAsSoonAsThatIsKnown) {
  for (const char* bytes : {"G", "GET / HTTP/1.1\r\n", ":", ",", " 3:abc,", "-1:", "+1:a,", "3 :abc,", "3;", "3:abcd",
                            "3:abc;", "0:x", "00", "03:abc,", "\x16\x03\x01"}) {
    EXPECT_EQ(parse_netstring(bytes, 100).kind, NetstringResult::Kind::kMalformed) << bytes;
  }
}

TEST(Netstring, LongerThanTheLimitIsMalformedBeforeItHasArrived) {
  EXPECT_EQ(parse_netstring("100:", 100).kind, NetstringResult::Kind::kIncomplete);
  EXPECT_EQ(parse_netstring("101", 100).kind, NetstringResult::Kind::kMalformed);
  EXPECT_EQ(parse_netstring("1", 0).kind, NetstringResult::Kind::kMalformed);
  EXPECT_EQ(parse_netstring("0:,", 0).kind, NetstringResult::Kind::kComplete);
}

TEST(Netstring, ALengthOverflowsNothing) {
  constexpr std::size_t kMax = static_cast<std::size_t>(-1);
  EXPECT_EQ(parse_netstring("18446744073709551616:", kMax).kind, NetstringResult::Kind::kMalformed);
  EXPECT_EQ(parse_netstring("18446744073709551615:a", kMax).kind, NetstringResult::Kind::kIncomplete);
  EXPECT_EQ(parse_netstring("99999999999999999999999999", kMax).kind, NetstringResult::Kind::kMalformed);
}

TEST(Netstring, WrittenTakesAsMuchAsItSays) {
  for (const std::size_t length : {0U, 1U, 9U, 10U, 99U, 100U, 100'000U}) {
    EXPECT_EQ(encode_netstring(std::string(length, 'x')).size(), netstring_size(length));
  }
}

TEST(Netstring, IsAppendedToWhatIsThere) {
  std::string out = "9:NOTFOUND ,";
  append_netstring(out, "OK dane");
  EXPECT_EQ(out, "9:NOTFOUND ,7:OK dane,");
}

}  // namespace
}  // namespace mtasts
