// Several processes look one domain up.
#include "module/engine/engine.h"

#include <gtest/gtest.h>

#include "tests/unit/module/engine/engine_test.h"

namespace mtasts {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::EngineTest;
using test::kPolicy;

// Many processes look one domain up at the same time; the one that fails last must not undo what another found out.
class EngineRaceTest : public EngineTest {
 protected:
  void another_process_fetches(const std::string& id = "1") {
    CacheEntry entry{domain(), {RecordMemory::State::kFound, now_ + seconds(300), id, {}}, {}, {}};
    entry.policy = StoredPolicy{id, now_, kPolicy, *parse_policy(kPolicy)};
    store_.entries.insert_or_assign("example.com", entry);
  }
  void expect_policy() {
    ASSERT_EQ(answers_.size(), 1U);
    EXPECT_NE(answers_[0].entry.policy_in_force(now_), nullptr) << "answered";
    EXPECT_NE(store_.entries.at("example.com").policy_in_force(now_), nullptr) << "cached";
  }
};

TEST_F(EngineRaceTest, R17AFailedFetchKeepsThePolicyThatAnotherProcessFetched) {
  ask();
  start();
  record();
  address();
  another_process_fetches();
  policy(fail(ErrorCode::kPolicyFetch, "timeout"));
  expect_policy();
}

// It was held up; the other process had the second slot, and so began later.
TEST_F(EngineRaceTest, R18WhatAHeldUpProcessFetchedReplacesNothingNewer) {
  ask();
  start();
  record();
  address();
  another_process_fetches("2");
  policy(kPolicy);
  record("v=STSv1; id=2;");
  expect_policy();
  EXPECT_EQ(store_.entries.at("example.com").policy->id, "2");
}

// The other one began earlier, when another process had the first slot, and was held up.
TEST_F(EngineRaceTest, R18WhatIsPublishedNowReplacesWhatAnotherProcessFetchedEarlier) {
  ask();
  start();
  record();
  address();
  another_process_fetches("0");
  policy(kPolicy);
  record();
  address();
  policy(kPolicy);
  expect_policy();
  EXPECT_EQ(store_.entries.at("example.com").policy->id, "1");
}

TEST_F(EngineRaceTest, R18WhoHasTheSecondSlotReplacesWhatTheFirstOneSaved) {
  store_.taken_by_another = true;
  ask();
  loop_.advance(seconds(11));
  record();
  address();
  another_process_fetches("0");
  policy(kPolicy);
  expect_policy();
  EXPECT_EQ(store_.entries.at("example.com").policy->id, "1");
}

TEST_F(EngineRaceTest, R17AFailedQuestionKeepsThePolicyThatAnotherProcessFetched) {
  ask();
  start();
  another_process_fetches();
  take(resolver_.txts)(fail(ErrorCode::kDnsTimeout, "timeout"));
  expect_policy();
}

TEST_F(EngineRaceTest, WhatAnotherProcessFetchedIsNotFetchedAgain) {
  ask();
  start();
  another_process_fetches();
  record();
  expect_policy();
  EXPECT_TRUE(resolver_.hosts.empty());
}

TEST_F(EngineRaceTest, HoldsTheClaimFromItsFirstLookUntilEverythingIsSaved) {
  ask("example.com", seconds(1));
  start();
  EXPECT_EQ(store_.claims_held, 1);
  record();
  address();
  loop_.advance(seconds(2));
  EXPECT_EQ(store_.claims_held, 1) << "the lookup goes on after the deadline";
  policy(kPolicy);
  EXPECT_EQ(store_.claims_held, 0);
}

TEST_F(EngineRaceTest, WaitsForTheProcessThatLooksUpAlready) {
  store_.taken_by_another = true;
  ask();
  start();
  loop_.advance(seconds(1));
  EXPECT_TRUE(resolver_.txts.empty());
  EXPECT_TRUE(answers_.empty());
  another_process_fetches();
  loop_.advance(seconds(1));
  expect_policy();
  EXPECT_TRUE(resolver_.txts.empty()) << "what the other process caches is enough";
}

TEST_F(EngineRaceTest, GoesOnWhereTheOtherProcessLeftOff) {
  store_.taken_by_another = true;
  ask();
  start();
  store_.taken_by_another = false;  // it was killed before it saved anything
  loop_.advance(seconds(1));
  EXPECT_EQ(resolver_.txts.size(), 1U);
}

TEST_F(EngineRaceTest, WhoWaitsForAFetchOfAnotherProcessSaysSoAtItsDeadline) {
  store_.taken_by_another = true;
  store_.second_taken_too = true;
  bool idle = false;
  engine_->on_idle([&idle] { idle = true; });
  ask("example.com", seconds(2));
  start();
  store_.entries.emplace("example.com",
                         CacheEntry{domain(), {RecordMemory::State::kFound, now_ + seconds(300), "1", {}}, {}, {}});
  loop_.advance(seconds(3));
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(answers_[0].progress, Outcome::Progress::kFetchPending) << "there is a policy: mail waits for it";
  EXPECT_TRUE(idle) << "the other process finishes it";
  EXPECT_TRUE(fetcher_.fetches.empty());
}

TEST_F(EngineRaceTest, AProcessThatStandsStillHoldsUpNobodyForLong) {
  store_.taken_by_another = true;
  ask();
  loop_.advance(seconds(9));
  EXPECT_TRUE(resolver_.txts.empty());
  loop_.advance(seconds(3));
  EXPECT_EQ(resolver_.txts.size(), 1U);
}

TEST_F(EngineRaceTest, AShortDeadlineLeavesTimeToAskAfterWaiting) {
  store_.taken_by_another = true;
  ask("example.com", seconds(8));
  loop_.advance(seconds(5));
  EXPECT_EQ(resolver_.txts.size(), 1U);
}

// What is left of the deadline is no fair time for an answer: DNS has not failed.
TEST_F(EngineRaceTest, WhoHasWaitedForAnotherProcessDoesNotBlameDnsAtItsDeadline) {
  store_.taken_by_another = true;
  ask();
  loop_.advance(seconds(12));
  ASSERT_EQ(resolver_.txts.size(), 1U);
  loop_.advance(seconds(3));
  ask("example.com", seconds(15));
  loop_.advance(seconds(20));
  ASSERT_EQ(answers_.size(), 2U);
  EXPECT_EQ(answers_[0].progress, Outcome::Progress::kNotTried);
  ASSERT_TRUE(answers_[0].fault);
  EXPECT_EQ(answers_[0].fault->code, ErrorCode::kNotTried);
  EXPECT_THAT(answers_[0].fault->detail, testing::HasSubstr("another process was at it before"));
  EXPECT_EQ(answers_[1].progress, Outcome::Progress::kRecordPending) << "for it DNS had all the time";
}

TEST_F(EngineRaceTest, NotMoreThanTwoProcessesAskAtATime) {
  store_.taken_by_another = true;
  store_.second_taken_too = true;
  ask();
  loop_.advance(seconds(30));
  EXPECT_TRUE(resolver_.txts.empty());
  ASSERT_EQ(answers_.size(), 1U) << "at its deadline";
  EXPECT_EQ(answers_[0].progress, Outcome::Progress::kNotAsked) << "which is not: DNS does not answer";
}

// A process that is stopped, or waits for its turn to ask for something else, holds up no mail under a policy.
TEST_F(EngineRaceTest, R17APolicyInForceIsNotHeldUpByAnotherProcess) {
  another_process_fetches();
  now_ += seconds(301);  // its record has to be asked for again
  store_.taken_by_another = true;
  ask();
  loop_.advance(milliseconds(999));
  EXPECT_TRUE(answers_.empty());
  loop_.advance(milliseconds(1));
  expect_policy();
  loop_.advance(seconds(10));
  EXPECT_EQ(resolver_.txts.size(), 1U) << "the lookup goes on, and asks where the other one does not";
  record();
  loop_.advance(seconds(20));
  EXPECT_EQ(answers_.size(), 1U);
  EXPECT_TRUE(engine_->is_idle());
}

// It may wait for name servers: whoever keeps them silent must not choose the weaker of the two.
TEST_F(EngineRaceTest, R29AnotherProcessIsNoReasonToGoByAFindingThatHasRunOut) {
  LookupRules rules;
  rules.ask_dane = true;
  engine_ = std::make_unique<Engine>(loop_, resolver_, fetcher_, store_, log_, rules, [this] { return now_; });
  another_process_fetches();
  now_ += seconds(301);
  store_.entries.at("example.com").dane = DaneMemory{DaneState::kNone, now_ - seconds(1), "no TLSA records"};
  store_.taken_by_another = true;
  ask();
  loop_.advance(seconds(5));
  EXPECT_TRUE(answers_.empty());
  store_.entries.at("example.com").dane->until = now_ + seconds(300);
  ask();
  loop_.advance(seconds(1));
  EXPECT_EQ(answers_.size(), 1U) << "one that counts will do";
}

// What is cached is all that there is, and the finding about DANE counts on.
TEST_F(EngineRaceTest, R29WhereOnlyOthersAskTheLastFindingAboutDaneCounts) {
  LookupRules rules;
  rules.ask_dane = true;
  engine_ = std::make_unique<Engine>(loop_, resolver_, fetcher_, store_, log_, rules, [this] { return now_; });
  another_process_fetches();
  store_.entries.at("example.com").dane = DaneMemory{DaneState::kNone, now_ - seconds(1), "no TLSA records"};
  store_.taken_by_another = true;
  store_.second_taken_too = true;
  ask();
  loop_.advance(seconds(30));
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(answers_[0].entry.dane->state, DaneState::kNone);
  EXPECT_LT(now_, answers_[0].entry.dane->until);
}

TEST_F(EngineRaceTest, EveryWaiterIsToldThatNothingWasAskedNotOnlyTheLast) {
  store_.taken_by_another = true;
  store_.second_taken_too = true;
  ask("example.com", seconds(10));
  ask("example.com", seconds(20));
  loop_.advance(seconds(15));
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(answers_[0].progress, Outcome::Progress::kNotAsked);
}

// The others would wait for what is not going to be cached, one after the other.
TEST_F(EngineRaceTest, WhoCannotSaveHoldsUpNoOtherProcess) {
  store_.full = true;
  ask();
  start();
  EXPECT_EQ(store_.claims_held, 1);
  record();
  EXPECT_EQ(store_.claims_held, 0);
}

// It goes on with its lookup, though it has no claim and has waited.
TEST_F(EngineRaceTest, WhoHasWaitedAndCannotSaveGoesOnAfterItsDeadline) {
  store_.full = true;
  store_.taken_by_another = true;
  ask("example.com", seconds(2));
  start();
  loop_.advance(milliseconds(100));
  store_.taken_by_another = false;
  loop_.advance(milliseconds(500));
  record();
  address();
  loop_.advance(seconds(2));
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(answers_[0].progress, Outcome::Progress::kFetchPending);
  store_.full = false;
  policy(kPolicy);
  EXPECT_TRUE(store_.entries.contains("example.com"));
}

}  // namespace
}  // namespace mtasts
