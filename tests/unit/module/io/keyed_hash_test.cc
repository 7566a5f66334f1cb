#include "module/io/keyed_hash.h"

#include <gtest/gtest.h>

namespace mtasts {
namespace {

TEST(KeyedHash, EachTableHasAKeyOfItsOwn) {
  const KeyedHash one;
  EXPECT_EQ(one("mx.example.com"), one("mx.example.com"));
  EXPECT_NE(one("mx.example.com"), KeyedHash()("mx.example.com"));
}

}  // namespace
}  // namespace mtasts
