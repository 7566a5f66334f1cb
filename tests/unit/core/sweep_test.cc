#include "core/sweep.h"

#include <gtest/gtest.h>

#include "tests/unit/core/builders.h"

namespace mtasts {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using test::kNow;

constexpr seconds kDay{86'400};

CacheEntry with_policy(seconds age, long max_age = 604'800, std::string_view mode = "enforce",
                       std::string_view name = "example.com") {
  CacheEntry entry{test::domain(name), {RecordMemory::State::kFound, kNow, "1", {}}, std::nullopt, std::nullopt};
  entry.policy = test::stored_policy("1", kNow - age, test::policy_body(mode, max_age));
  return entry;
}

SweepAction of(const CacheEntry& entry, WallTime used = kNow, WallTime now = kNow) {
  return sweep_action(entry, used, SweepRules{}, now);
}

TEST(SweepAction, R21APolicyIsRefreshedBeforeItIsADayOld) {
  EXPECT_EQ(of(with_policy(hours(17))), SweepAction::kKeep);
  EXPECT_EQ(of(with_policy(hours(24))), SweepAction::kRefresh);
}

TEST(SweepAction, R21APolicyIsRefreshedWellBeforeItExpires) {
  EXPECT_EQ(of(with_policy(hours(18), 86'400)), SweepAction::kRefresh) << "a quarter of its life is left";
  EXPECT_EQ(of(with_policy(hours(9), 36'000)), SweepAction::kRefresh) << "the next round would be close";
  EXPECT_EQ(of(with_policy(hours(5), 36'000)), SweepAction::kKeep);
  EXPECT_EQ(of(with_policy(seconds(1), 3'600)), SweepAction::kRefresh);
}

TEST(SweepAction, PoliciesFetchedTogetherAreNotRefreshedTogether) {
  std::vector<int> due_in(7);  // by the hour from 18 to 24
  for (int i = 0; i < 1000; ++i) {
    const std::string name = "d" + std::to_string(i) + ".example";
    for (int hour = 18; hour <= 24; ++hour) {
      if (of(with_policy(hours(hour), 604'800, "enforce", name)) != SweepAction::kRefresh) continue;
      ++due_in[static_cast<std::size_t>(hour - 18)];
      break;
    }
  }
  for (std::size_t i = 1; i < due_in.size(); ++i) {
    EXPECT_GT(due_in[i], 120) << i + 18;
    EXPECT_LT(due_in[i], 220) << i + 18;
  }
}

TEST(SweepAction, R17AnUnusedPolicyStaysWhileItIsInForce) {
  const auto entry = with_policy(25 * kDay, 31'557'600);
  EXPECT_EQ(of(entry, kNow - 31 * kDay), SweepAction::kKeep) << "but it is not refreshed";
  EXPECT_EQ(of(entry, kNow - 29 * kDay), SweepAction::kRefresh);
}

TEST(SweepAction, R21APolicyWhoseRecordIsDeniedIsRefreshedWhileItIsUsed) {
  auto entry = with_policy(25 * kDay, 31'557'600);
  for (const auto state : {RecordMemory::State::kAbsent, RecordMemory::State::kInvalid, RecordMemory::State::kFailed}) {
    entry.record = {state, kNow + kDay, {}, {}};
    EXPECT_EQ(of(entry, kNow - 29 * kDay), SweepAction::kRefresh);
    EXPECT_EQ(of(entry, kNow - 30 * kDay), SweepAction::kKeep) << "a domain that left may go when nobody asks for it";
  }
}

TEST(SweepAction, AnExpiredPolicyGoesWhenNobodyUsedItForLong) {
  const auto entry = with_policy(60 * kDay);
  EXPECT_EQ(of(entry, kNow - 29 * kDay), SweepAction::kKeep) << "the clock may be wrong";
  EXPECT_EQ(of(entry, kNow - 30 * kDay), SweepAction::kForget);
}

TEST(SweepAction, ADomainThatLeftIsNotRefreshed) {
  EXPECT_EQ(of(with_policy(hours(30), 604'800, "none")), SweepAction::kKeep);
}

TEST(SweepAction, APolicyFromTheFutureIsRefreshed) { EXPECT_EQ(of(with_policy(-hours(2))), SweepAction::kRefresh); }

// Spam from made-up domains must not fill the disk for ever.
TEST(SweepAction, WhatIsKnownOfADomainWithoutAPolicyGoesADayAfterItMayBeUsed) {
  CacheEntry entry{test::domain(), {RecordMemory::State::kAbsent, kNow - kDay, {}, {}}, std::nullopt, std::nullopt};
  EXPECT_EQ(of(entry), SweepAction::kForget);
  EXPECT_EQ(of(entry, kNow, kNow - seconds(1)), SweepAction::kKeep);
  entry.failure = FetchFailure{"1", 1, 1, kNow, {ErrorCode::kPolicyFetch, "404"}};
  EXPECT_EQ(of(entry), SweepAction::kKeep) << "R15: not to be tried again yet";
}

// It may have held a policy: whoever uses it must not be without one until his next message.
TEST(SweepAction, R17WhatIsDamagedIsLookedUpAgainAndGoesWhenNobodyUsedItForLong) {
  EXPECT_EQ(sweep_action_of_damaged(kNow - 29 * kDay, SweepRules{}, kNow), SweepAction::kRefresh);
  EXPECT_EQ(sweep_action_of_damaged(kNow - 30 * kDay, SweepRules{}, kNow), SweepAction::kForget);
}

}  // namespace
}  // namespace mtasts
