#include "module/engine/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/module/engine/engine_test.h"

namespace mtasts {
namespace {

using std::chrono::seconds;
using test::kPolicy;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using EngineTest = test::EngineTest;

TEST_F(EngineTest, GoesTheWholeWayAndCachesThePolicy) {
  ask();
  EXPECT_TRUE(resolver_.txts.empty()) << "nothing happens inside lookup()";
  start();
  ASSERT_EQ(resolver_.txts.size(), 1U);
  EXPECT_EQ(resolver_.txts[0].first, "_mta-sts.example.com");
  record();
  ASSERT_EQ(resolver_.hosts.size(), 1U);
  EXPECT_EQ(resolver_.hosts[0].first, "mta-sts.example.com");
  address();
  ASSERT_EQ(fetcher_.fetches.size(), 1U);
  EXPECT_THAT(fetcher_.fetches[0].addresses, ElementsAre("192.0.2.1"));
  policy(kPolicy);
  ASSERT_EQ(answers_.size(), 1U);
  ASSERT_NE(answers_[0].entry.policy_in_force(now_), nullptr);
  ASSERT_TRUE(store_.entries.contains("example.com"));
  EXPECT_EQ(store_.entries.at("example.com").policy->body, kPolicy);
}

// M2, M3: what mail waits for goes before what it does not wait for.
TEST_F(EngineTest, AFirstContactIsAskedForAsOneOfItsDomain) {
  ask("mail.example.com");
  start();
  record();
  address();
  ASSERT_EQ(resolver_.requesters.size(), 2U);
  for (const auto& requester : resolver_.requesters) {
    EXPECT_EQ(requester.domain, "mail.example.com");
    EXPECT_EQ(requester.priority, Priority::kFirstContact);
  }
  EXPECT_EQ(fetcher_.fetches[0].priority, Priority::kFirstContact);
}

TEST_F(EngineTest, WhatCannotBeReadIsNotLookedUpAnewNorReplaced) {
  store_.unreadable = true;
  ask();
  start();
  EXPECT_TRUE(resolver_.txts.empty());
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(answers_[0].progress, Outcome::Progress::kNotTried);
  EXPECT_EQ(answers_[0].fault->code, ErrorCode::kLocalFault);
  EXPECT_TRUE(engine_->is_idle());
}

TEST_F(EngineTest, WhatCanNoLongerBeReadIsNotReplaced) {
  ask();
  start();
  store_.unreadable = true;
  record("v=STSv2");
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(answers_[0].progress, Outcome::Progress::kNotTried);
  EXPECT_TRUE(store_.entries.empty());
  EXPECT_TRUE(engine_->is_idle());
}

TEST_F(EngineTest, EqualLookupsShareOneMachine) {
  ask();
  ask();
  start();
  ask();
  EXPECT_EQ(resolver_.txts.size(), 1U);
  record();
  address();
  ask();
  EXPECT_EQ(fetcher_.fetches.size(), 1U);
  policy(kPolicy);
  EXPECT_EQ(answers_.size(), 4U);
}

TEST_F(EngineTest, AnswersAtTheDeadlineAndFinishesTheLookup) {
  bool idle = false;
  engine_->on_idle([&idle] { idle = true; });
  ask("example.com", seconds(2));
  start();
  record();
  address();
  loop_.advance(seconds(2));
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(answers_[0].progress, Outcome::Progress::kFetchPending);
  EXPECT_FALSE(idle);
  policy(kPolicy);
  EXPECT_EQ(answers_.size(), 1U) << "one answer a caller";
  EXPECT_TRUE(idle);
  EXPECT_TRUE(store_.entries.at("example.com").policy.has_value());
}

TEST_F(EngineTest, R29AsksForDaneWhereItIsWanted) {
  LookupRules rules;
  rules.ask_dane = true;
  Engine engine(loop_, resolver_, fetcher_, store_, log_, rules, [this] { return now_; });
  engine.lookup(domain(), Lookup::Effort::kNormal, seconds(20), [this](const Outcome& o) { answers_.push_back(o); });
  start();
  record();
  address();
  policy(kPolicy);
  EXPECT_TRUE(answers_.empty());
  ASSERT_EQ(resolver_.mxs.size(), 1U);
  EXPECT_EQ(resolver_.mxs[0].first, "example.com");
  resolver_.mxs[0].second(fail(ErrorCode::kDnsFailure, "SERVFAIL"));
  ASSERT_EQ(answers_.size(), 1U);
  ASSERT_TRUE(answers_[0].entry.dane);
  EXPECT_EQ(answers_[0].entry.dane->state, DaneState::kFailed);
  EXPECT_EQ(store_.entries.at("example.com").dane, answers_[0].entry.dane);
}

TEST_F(EngineTest, DeadlineWhileTheRecordIsOpen) {
  ask("example.com", seconds(2));
  start();
  loop_.advance(seconds(2));
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(answers_[0].progress, Outcome::Progress::kRecordPending);
}

// Whatever its question waits for.
TEST_F(EngineTest, R17APolicyInForceWaitsASecondForItsRecordAtMost) {
  store_.entries.emplace("example.com", CacheEntry{domain(), {}, test::stored_policy("1", now_), {}});
  ask();
  ask("example.com", milliseconds(500));
  loop_.advance(milliseconds(500));
  EXPECT_EQ(answers_.size(), 1U) << "at its deadline, which is shorter";
  loop_.advance(milliseconds(499));
  EXPECT_EQ(answers_.size(), 1U);
  loop_.advance(milliseconds(1));
  ASSERT_EQ(answers_.size(), 2U);
  EXPECT_EQ(answers_[1].entry.policy->id, "1");
  record("v=STSv1; id=2;");
  address();
  policy(kPolicy);
  EXPECT_EQ(answers_.size(), 2U);
  EXPECT_EQ(store_.entries.at("example.com").policy->id, "2") << "the lookup goes on behind the answer";
}

// Nobody has heard of it otherwise.
TEST_F(EngineTest, R20WhatCameOfALookupThatWasAnsweredBeforeItsRecordIsTold) {
  std::vector<Outcome> late;
  engine_->on_late([&](const Outcome& outcome) { late.push_back(outcome); });
  store_.entries.emplace("example.com",
                         CacheEntry{domain(), {}, test::stored_policy("1", now_ - seconds(2 * 86'400)), {}});
  ask();
  loop_.advance(seconds(1));
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_TRUE(late.empty());
  take(resolver_.txts)(fail(ErrorCode::kDnsTimeout, "timeout"));
  EXPECT_EQ(answers_.size(), 1U);
  ASSERT_EQ(resolver_.hosts.size(), 1U) << "R21: it is fetched again all the same";
  EXPECT_EQ(resolver_.requesters.back().priority, Priority::kOther) << "no mail waits for it";
  take(resolver_.hosts)(fail(ErrorCode::kDnsTimeout, "timeout"));
  ASSERT_EQ(late.size(), 1U);
  EXPECT_EQ(late[0].entry.record.state, RecordMemory::State::kFailed);
}

// Such as Exim's own user: the next one would not find what came of it either.
TEST_F(EngineTest, R18WhereNothingIsKeptTheRecordIsWaitedFor) {
  store_.keeps_nothing = true;
  store_.entries.emplace("example.com", CacheEntry{domain(), {}, test::stored_policy("1", now_), {}});
  ask();
  loop_.advance(seconds(5));
  EXPECT_TRUE(answers_.empty());
}

// Its record was asked for as that of a policy in force; the new policy is what the next delivery waits for.
TEST_F(EngineTest, R18ThePolicyThatTheNextDeliveryWaitsForIsNotFetchedAsOneThatNobodyWaitsFor) {
  store_.entries.emplace("example.com", CacheEntry{domain(), {}, test::stored_policy("1", now_), {}});
  ask();
  loop_.advance(seconds(1));
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(resolver_.requesters.at(0).priority, Priority::kDane);
  record("v=STSv1; id=2;");
  EXPECT_EQ(resolver_.requesters.back().priority, Priority::kFirstContact);
}

TEST_F(EngineTest, R18APolicyThatHasChangedIsWaitedFor) {
  store_.entries.emplace("example.com", CacheEntry{domain(), {}, test::stored_policy("1", now_), {}});
  ask();
  start();
  record("v=STSv1; id=2;");
  loop_.advance(seconds(5));
  EXPECT_TRUE(answers_.empty());
  address();
  policy(kPolicy);
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(answers_[0].entry.policy->id, "2");
}

// It was stopped, say, while the answer waited to be read.
TEST_F(EngineTest, ADeadlineThatPassedWhileTheProcessStoodStillIsNoFailureOfDns) {
  SteadyTime steady{};
  Engine engine(
      loop_, resolver_, fetcher_, store_, log_, LookupRules{}, [this] { return now_; }, [&steady] { return steady; });
  engine.lookup(domain(), Lookup::Effort::kNormal, seconds(2), [this](const Outcome& o) { answers_.push_back(o); });
  start();
  steady += seconds(3);
  loop_.advance(seconds(2));
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(answers_[0].progress, Outcome::Progress::kNotTried);
  ASSERT_TRUE(answers_[0].fault);
  EXPECT_THAT(answers_[0].fault->detail, HasSubstr("this process was busy or stood still"));
}

TEST_F(EngineTest, R16PolicyHostWithoutAddressIsAFetchError) {
  ask();
  start();
  record();
  DnsAnswer<std::string> nothing;
  nothing.kind = DnsAnswer<std::string>::Kind::kNxDomain;
  take(resolver_.hosts)(nothing);
  ASSERT_EQ(answers_.size(), 1U);
  ASSERT_TRUE(answers_[0].entry.failure);
  EXPECT_EQ(answers_[0].entry.failure->error.code, ErrorCode::kPolicyFetch);
  EXPECT_THAT(answers_[0].entry.failure->error.detail, HasSubstr("mta-sts.example.com has no address"));
  EXPECT_TRUE(fetcher_.fetches.empty()) << "libcurl must never start without addresses";
}

TEST_F(EngineTest, R20ResolverFailureIsNoAbsence) {
  ask();
  start();
  take(resolver_.txts)(fail(ErrorCode::kDnsTimeout, "no answer from 127.0.0.1 within 5 s"));
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(answers_[0].entry.record.state, RecordMemory::State::kFailed);
  EXPECT_THAT(log_.lines.back(), HasSubstr("event=record-lookup-failed domain=example.com error=dns-timeout"));
}

TEST_F(EngineTest, AStoreThatIsFullChangesNoAnswer) {
  store_.full = true;
  ask();
  start();
  record();
  address();
  policy(kPolicy);
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_NE(answers_[0].entry.policy_in_force(now_), nullptr);
}

TEST_F(EngineTest, InvalidPolicyAndRecordLeaveAReasonInTheLog) {
  ask("a.example");
  start();
  record("v=STSv1;");
  EXPECT_THAT(log_.lines.back(), HasSubstr("info event=record-invalid domain=a.example"));
  ask("b.example");
  start();
  record();
  address();
  policy("<html>");
  EXPECT_THAT(log_.lines.back(), HasSubstr("info event=policy-fetch-failed domain=b.example error=sts-policy-invalid"));
}

TEST_F(EngineTest, APolicyThatIsNewIsLogged) {
  ask();
  start();
  record();
  address();
  policy(kPolicy);
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("info event=policy-found domain=example.com mode=enforce max_age=")));
  log_.lines.clear();
  const auto again = [this](const std::string& body) {
    now_ += std::chrono::hours(24 * 2);
    refresh();
    start();
    record();
    address();
    policy(body);
  };
  again(kPolicy);
  EXPECT_THAT(log_.lines, testing::IsEmpty()) << "the same is no news";
  again("version: STSv1\nmode: none\nmax_age: 86400\n");
  EXPECT_THAT(log_.lines,
              ElementsAre(HasSubstr("info event=policy-changed domain=example.com mode=none max_age=86400 id=")));
}

TEST_F(EngineTest, NothingThatAPeerWritesAddsAFieldToALogLine) {
  ask();
  start();
  record();
  address();
  policy("x\" event=decision domain=victim.example mode=none y=\"\n");
  ASSERT_THAT(log_.lines, ElementsAre(HasSubstr("detail=\"")));
  const std::string& line = log_.lines[0];
  const auto begin = line.find("detail=\"") + 8;
  EXPECT_THAT(line.substr(line.find('"', begin)), HasSubstr("\" effect=\"")) << line;
  EXPECT_GT(line.find('"', begin), line.find("victim.example")) << line;
}

}  // namespace
}  // namespace mtasts
