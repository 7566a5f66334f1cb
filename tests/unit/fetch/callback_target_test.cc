// Callbacks that come when their object is gone.
#include "fetch/callback_target.h"

#include <gtest/gtest.h>

#include <optional>

namespace mtasts {
namespace {

struct Object {
  CallbackTarget<Object> target{*this};
};

TEST(CallbackTarget, IsFoundAsLongAsItLives) {
  std::optional<Object> object;
  object.emplace();
  void* data = object->target.data();
  EXPECT_EQ(CallbackTarget<Object>::find(data), &*object);
  object.reset();
  EXPECT_EQ(CallbackTarget<Object>::find(data), nullptr);
  object.emplace();
  EXPECT_EQ(CallbackTarget<Object>::find(data), nullptr) << "another one in the same place";
  EXPECT_EQ(CallbackTarget<Object>::find(object->target.data()), &*object);
  EXPECT_EQ(CallbackTarget<Object>::find(nullptr), nullptr);
}

}  // namespace
}  // namespace mtasts
