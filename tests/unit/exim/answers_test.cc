#include "adapters/exim/answers.h"

#include <gtest/gtest.h>

namespace mtasts {
namespace {

using std::chrono::seconds;

const SteadyTime kStart{};
const WallTime kClock{seconds(1'800'000'000)};

TEST(AnswerMemory, AnswersWithinSecondsAndForgetsThen) {
  AnswerMemory memory;
  EXPECT_EQ(memory.fresh("example.com", kStart, kClock), nullptr);
  memory.put("example.com", no_policy("first"), kStart);
  ASSERT_NE(memory.fresh("example.com", kStart + seconds(9), kClock), nullptr);
  EXPECT_EQ(memory.fresh("example.com", kStart + seconds(9), kClock)->reason, "first");
  EXPECT_EQ(memory.fresh("example.com", kStart + AnswerMemory::kFresh, kClock), nullptr);
  EXPECT_EQ(memory.fresh("example.org", kStart, kClock), nullptr);
}

TEST(AnswerMemory, R22AnExpiredPolicyIsNotRepeated) {
  AnswerMemory memory;
  Decision decision = no_policy("");
  decision.kind = Decision::Kind::kPolicy;
  decision.expires = kClock + seconds(2);
  memory.put("example.com", decision, kStart);
  EXPECT_NE(memory.fresh("example.com", kStart + seconds(1), kClock + seconds(1)), nullptr);
  EXPECT_EQ(memory.fresh("example.com", kStart + seconds(2), kClock + seconds(2)), nullptr);
  EXPECT_NE(memory.any("example.com"), nullptr) << "for what happens later to the message that was routed by it";
}

TEST(AnswerMemory, KeepsTheAnswerThatAMessageWasRoutedBy) {
  AnswerMemory memory;
  memory.put("example.com", no_policy("first"), kStart);
  ASSERT_NE(memory.any("example.com"), nullptr);
  EXPECT_EQ(memory.any("example.org"), nullptr);
}

TEST(AnswerMemory, ANewAnswerReplacesTheOldOne) {
  AnswerMemory memory;
  memory.put("example.com", no_policy("first"), kStart);
  memory.put("example.com", no_policy("second"), kStart + seconds(20));
  EXPECT_EQ(memory.fresh("example.com", kStart + seconds(21), kClock)->reason, "second");
  EXPECT_EQ(memory.any("example.com")->reason, "second");
}

TEST(AnswerMemory, IsBounded) {
  AnswerMemory memory;
  for (std::size_t i = 0; i <= AnswerMemory::kMax; ++i) {
    memory.put("d" + std::to_string(i) + ".example", no_policy(""), kStart);
  }
  EXPECT_EQ(memory.any("d0.example"), nullptr);
  EXPECT_NE(memory.any("d1.example"), nullptr);
  EXPECT_NE(memory.any("d" + std::to_string(AnswerMemory::kMax) + ".example"), nullptr);
}

}  // namespace
}  // namespace mtasts
