#include "module/io/keyed_hash.h"

#include <gtest/gtest.h>

#include <string>

namespace mtasts {
namespace {

// The values of the paper's appendix and of its reference code, for the key 00 01 … 0f and texts 00 01 ….
TEST(KeyedHash, IsSipHash) {
  const KeyedHash hash(KeyedHash::Key{0x0706050403020100U, 0x0f0e0d0c0b0a0908U});
  std::string text;
  for (char c = 0; c < 15; ++c) text += c;
  EXPECT_EQ(hash(text), 0xa129ca6149be45e5U);
  EXPECT_EQ(hash(text.substr(0, 8)), 0x93f5f5799a932462U);
  EXPECT_EQ(hash(""), 0x726fdb47dd0e0e31U);
}

TEST(KeyedHash, EachTableHasAKeyOfItsOwn) {
  const KeyedHash one;
  EXPECT_EQ(one("mx.example.com"), one("mx.example.com"));
  EXPECT_NE(one("mx.example.com"), KeyedHash()("mx.example.com"));
}

}  // namespace
}  // namespace mtasts
