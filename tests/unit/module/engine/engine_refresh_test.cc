// Policies that are fetched again behind the answer, and those that expire meanwhile.
#include "module/engine/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/module/engine/engine_test.h"

namespace mtasts {
namespace {

using std::chrono::seconds;
using test::EngineTest;
using test::kPolicy;
using ::testing::HasSubstr;
using EngineRefreshTest = EngineTest;

TEST_F(EngineRefreshTest, ARefreshIsNoFirstContact) {
  engine_->lookup(*Domain::parse("example.com"), Lookup::Effort::kRefresh, seconds(20), [](const Outcome&) {});
  start();
  record();
  address();
  ASSERT_EQ(resolver_.requesters.size(), 2U);
  for (const auto& requester : resolver_.requesters) EXPECT_EQ(requester.priority, Priority::kOther);
  EXPECT_EQ(fetcher_.fetches[0].priority, Priority::kOther);
}

TEST_F(EngineRefreshTest, WhatIsFetchedBehindTheAnswerIsNoFirstContact) {
  CacheEntry entry{domain(), {RecordMemory::State::kFound, now_ - seconds(1), "1", {}}, {}, {}};
  entry.policy = StoredPolicy{"1", now_ - seconds(90'000), kPolicy, *parse_policy(kPolicy)};
  store_.entries.insert_or_assign("example.com", entry);
  ask();
  start();
  record("v=STSv1; id=1;");
  ASSERT_EQ(answers_.size(), 1U);
  address();
  ASSERT_EQ(resolver_.requesters.size(), 2U);
  EXPECT_EQ(resolver_.requesters[0].priority, Priority::kDane) << "the record of a policy in force";
  EXPECT_EQ(resolver_.requesters[1].priority, Priority::kOther);
  EXPECT_EQ(fetcher_.fetches.at(0).priority, Priority::kOther);
}

// A policy that is old enough is answered at once and fetched again behind the caller's back (R21); who asks meanwhile
// gets the same answer.
TEST_F(EngineRefreshTest, R21RefreshesBehindTheAnswer) {
  ask();
  start();
  record();
  address();
  policy(kPolicy);
  now_ += std::chrono::hours(30);
  ask();
  start();
  record();
  ASSERT_EQ(answers_.size(), 2U);
  ASSERT_EQ(resolver_.hosts.size(), 1U);
  ask();
  start();
  EXPECT_EQ(answers_.size(), 3U);
  address();
  policy(fail(ErrorCode::kPolicyFetch, "HTTP status 503 instead of 200"));
  ASSERT_FALSE(log_.lines.empty());
  EXPECT_THAT(log_.lines.back(),
              HasSubstr("warning event=refresh-failed domain=example.com error=sts-policy-fetch-error"));
  EXPECT_NE(store_.entries.at("example.com").policy_in_force(now_), nullptr);
}

// Who can keep the record away cannot let the policy expire.
TEST_F(EngineRefreshTest, R21RefreshesThePolicyWithoutARecord) {
  const Result<DnsAnswer<std::string>> kNoRecord[] = {
      fail(ErrorCode::kDnsFailure, "SERVFAIL"), fail(ErrorCode::kDnsTimeout, "no answer"), DnsAnswer<std::string>{}};
  ask();
  start();
  record();
  address();
  policy(kPolicy);
  for (const auto& denied : kNoRecord) {
    answers_.clear();
    now_ += std::chrono::hours(30);
    ask();
    start();
    take(resolver_.txts)(denied);
    ASSERT_EQ(answers_.size(), 1U) << "the answer does not wait";
    EXPECT_NE(answers_[0].entry.policy_in_force(now_), nullptr);
    ASSERT_EQ(resolver_.hosts.size(), 1U);
    address();
    policy(kPolicy);
    EXPECT_EQ(store_.entries.at("example.com").policy->fetched, now_);
    EXPECT_EQ(store_.entries.at("example.com").policy->id, "1");
    EXPECT_THAT(log_.lines.back(), HasSubstr("info event=refreshed-without-record domain=example.com"));
  }
}

TEST_F(EngineRefreshTest, R20AnOutageOfDnsIsNoAlarmForEachPolicy) {
  ask();
  start();
  record();
  address();
  policy(kPolicy);
  now_ += std::chrono::hours(30);
  ask();
  start();
  take(resolver_.txts)(fail(ErrorCode::kDnsTimeout, "no answer"));
  take(resolver_.hosts)(fail(ErrorCode::kDnsTimeout, "no answer"));
  EXPECT_THAT(log_.lines.back(), HasSubstr("info event=refresh-failed domain=example.com"));
  EXPECT_EQ(store_.entries.at("example.com").failure->count, 0U);
  EXPECT_NE(store_.entries.at("example.com").policy_in_force(now_), nullptr);
}

// The sweep's refresh and a delivery's lookup of one domain share a machine, but not what they wait for.
class EngineSharedTest : public EngineTest {
 protected:
  EngineSharedTest() { cache(seconds(0)); }
  void cache(seconds record_ttl) {
    CacheEntry entry{domain(), {RecordMemory::State::kFound, now_ + record_ttl, "1", {}}, {}, {}};
    entry.policy = StoredPolicy{"1", now_ - seconds(600), kPolicy, *parse_policy(kPolicy)};
    store_.entries.insert_or_assign("example.com", entry);
  }
};

TEST_F(EngineSharedTest, R17ADeliveryDoesNotWaitForTheFetchOfARefresh) {
  refresh();
  start();
  take(resolver_.txts)(fail(ErrorCode::kDnsTimeout, "no answer"));
  address();
  now_ += seconds(11);  // the failure of DNS is not cached for longer
  ask();
  start();
  ASSERT_EQ(answers_.size(), 1U) << "before the fetch ends";
  EXPECT_NE(answers_[0].entry.policy_in_force(now_), nullptr);
  EXPECT_TRUE(refreshes_.empty());
  policy(kPolicy);
  ASSERT_EQ(refreshes_.size(), 1U);
  EXPECT_EQ(refreshes_[0].entry.policy->fetched, now_);
}

TEST_F(EngineSharedTest, R17ADeliveryThatJoinsARefreshIsAnsweredByTheRecord) {
  refresh();
  start();
  ask();
  record();
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(answers_[0].progress, Outcome::Progress::kSettled);
  address();
  EXPECT_EQ(fetcher_.fetches.at(0).priority, Priority::kOther) << "nobody's mail waits for it";
  EXPECT_TRUE(refreshes_.empty());
  policy(kPolicy);
  EXPECT_EQ(refreshes_.size(), 1U);
  EXPECT_TRUE(engine_->is_idle());
}

TEST_F(EngineSharedTest, WhatADeliveryWaitsForIsAskedForAsAFirstContact) {
  refresh();
  start();
  ask();
  record("v=STSv1; id=2;");
  EXPECT_TRUE(answers_.empty()) << "there is another policy";
  address();
  EXPECT_EQ(resolver_.requesters.back().priority, Priority::kFirstContact);
  EXPECT_EQ(fetcher_.fetches.at(0).priority, Priority::kFirstContact);
  policy(kPolicy);
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(answers_[0].entry.policy->id, "2");
}

// Half of the places for questions are not for refreshes.
TEST_F(EngineSharedTest, ADeliveryDoesNotWaitBehindRefreshesForItsTurn) {
  refresh();
  start();
  ask();
  ask();
  ASSERT_EQ(resolver_.requesters.size(), 2U);
  EXPECT_EQ(resolver_.requesters[1].priority, Priority::kDane);
  take(resolver_.txts)(fail(ErrorCode::kNotTried, "no turn came"));
  EXPECT_TRUE(answers_.empty());
  record("v=STSv1; id=2;");
  ASSERT_EQ(resolver_.hosts.size(), 1U);
}

TEST_F(EngineSharedTest, TheFirstAnswerCounts) {
  refresh();
  start();
  ask();
  record();
  EXPECT_EQ(answers_.size(), 1U);
  take(resolver_.txts)(FakeResolver::found({"v=STSv1; id=2;"}));
  ASSERT_EQ(resolver_.hosts.size(), 1U);
  address();
  policy(kPolicy);
  EXPECT_TRUE(engine_->is_idle());
  EXPECT_EQ(store_.entries.at("example.com").policy->id, "1");
}

TEST_F(EngineSharedTest, R21ARefreshThatJoinsADeliverysLookupIsOne) {
  ask();
  start();
  refresh();
  record();
  ASSERT_EQ(answers_.size(), 1U) << "the policy is not due";
  EXPECT_TRUE(refreshes_.empty());
  ASSERT_EQ(resolver_.hosts.size(), 1U) << "but fetched";
  address();
  policy(kPolicy);
  ASSERT_EQ(refreshes_.size(), 1U);
  EXPECT_FALSE(refreshes_[0].from_cache);
  EXPECT_EQ(refreshes_[0].entry.policy->fetched, now_);
}

TEST_F(EngineSharedTest, R21ARefreshThatComesWhileThePolicyIsFetchedWaitsForIt) {
  ask();
  start();
  record("v=STSv1; id=2;");
  address();
  refresh();
  start();
  EXPECT_TRUE(refreshes_.empty());
  policy(kPolicy);
  ASSERT_EQ(refreshes_.size(), 1U);
  EXPECT_EQ(refreshes_[0].entry.policy->id, "2");
}

TEST_F(EngineSharedTest, ADeliveryIsAnsweredByWhatAnotherProcessSavedAlsoWhereARefreshWaits) {
  store_.taken_by_another = true;
  ask();
  refresh();
  start();
  EXPECT_TRUE(answers_.empty());
  cache(seconds(300));
  loop_.advance(seconds(1));
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_NE(answers_[0].entry.policy_in_force(now_), nullptr);
  EXPECT_TRUE(refreshes_.empty());
}

// A policy of a minute, and a policy host that takes longer than what is left of it.
class EngineExpiryTest : public EngineTest {
 protected:
  static constexpr char kShort[] = "version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 80\n";
  void expire_while_it_is_refreshed() {
    ask();
    start();
    record();
    address();
    policy(kShort);
    store_.entries.at("example.com").record.until = now_;
    now_ += seconds(75);
    ask();
    start();
    record();
    address();
    ASSERT_EQ(answers_.size(), 2U) << "behind the answer";
    now_ += seconds(5);
    answers_.clear();
    ask("example.com", seconds(20));
    start();
    EXPECT_TRUE(answers_.empty());
  }
};

TEST_F(EngineExpiryTest, R22WhoAsksAfterItsExpiryWaitsForTheRefresh) {
  expire_while_it_is_refreshed();
  policy(kShort);
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_NE(answers_[0].entry.policy_in_force(now_), nullptr);
}

TEST_F(EngineExpiryTest, R22AtTheDeadlineThePolicyIsBeingFetched) {
  expire_while_it_is_refreshed();
  loop_.advance(seconds(21));
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(answers_[0].progress, Outcome::Progress::kFetchPending) << "which is not: it has none";
  EXPECT_EQ(answers_[0].entry.policy_in_force(now_), nullptr);
}

TEST_F(EngineExpiryTest, WhoWaitsForARefreshIsToldWhereTheStoreCanNoLongerBeRead) {
  expire_while_it_is_refreshed();
  store_.unreadable = true;
  policy(kShort);
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(answers_[0].progress, Outcome::Progress::kNotTried);
  EXPECT_TRUE(engine_->is_idle());
}

}  // namespace
}  // namespace mtasts
