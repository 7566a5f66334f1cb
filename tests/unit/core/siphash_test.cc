#include "core/siphash.h"

#include <gtest/gtest.h>

#include <string>

namespace mtasts {
namespace {

// The vectors that its authors publish: key 00 01 02 …, text 00 01 02 … of that length.
TEST(SipHash, IsThatOfItsAuthors) {
  SipKey key{};
  std::string text;
  for (std::uint8_t i = 0; i < 16; ++i) key.at(i) = i;
  for (char c = 0; c < 15; ++c) text += c;
  EXPECT_EQ(siphash(key, ""), 0x726fdb47dd0e0e31U);
  EXPECT_EQ(siphash(key, text.substr(0, 7)), 0xab0200f58b01d137U);
  EXPECT_EQ(siphash(key, text.substr(0, 8)), 0x93f5f5799a932462U);
  EXPECT_EQ(siphash(key, text), 0xa129ca6149be45e5U);
}

TEST(SipHash, DependsOnTheKey) { EXPECT_NE(siphash({1}, "example.com"), siphash({2}, "example.com")); }

}  // namespace
}  // namespace mtasts
