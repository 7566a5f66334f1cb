#include "module/engine/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/module/fakes.h"

namespace mtasts {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kPolicy[] = "version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 604800\n";

class EngineTest : public ::testing::Test {
 protected:
  static Domain domain(const std::string& name = "example.com") { return *Domain::parse(name); }

  // The callback of the oldest open question.
  template <typename Queue>
  static auto take(Queue& queue) {
    auto done = queue.front().second;
    queue.erase(queue.begin());
    return done;
  }
  void ask(const std::string& name = "example.com", milliseconds deadline = seconds(20)) {
    engine_->lookup(domain(name), Lookup::Effort::kNormal, deadline,
                    [this](const Outcome& outcome) { answers_.push_back(outcome); });
  }
  void start() { loop_.advance(milliseconds(1)); }
  void record(const std::string& text = "v=STSv1; id=1;") { take(resolver_.txts)(FakeResolver::found({text})); }
  void address(const std::string& text = "192.0.2.1") { take(resolver_.hosts)(FakeResolver::found({text})); }
  void policy(FetchResult result) {
    const auto done = fetcher_.fetches.front().done;
    fetcher_.fetches.erase(fetcher_.fetches.begin());
    done(result);
  }
  FakeLoop loop_;
  FakeResolver resolver_;
  FakeFetcher fetcher_;
  FakeStore store_;
  FakeLog log_;
  Time now_{std::chrono::seconds(1'800'000'000)};
  std::unique_ptr<Engine> engine_ =
      std::make_unique<Engine>(loop_, resolver_, fetcher_, store_, log_, LookupRules{}, [this] { return now_; });
  std::vector<Outcome> answers_;
};

TEST_F(EngineTest, GoesTheWholeWayAndRemembers) {
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

TEST_F(EngineTest, ARefreshIsNoFirstContact) {
  engine_->lookup(*Domain::parse("example.com"), Lookup::Effort::kRefresh, seconds(20), [](const Outcome&) {});
  start();
  record();
  address();
  ASSERT_EQ(resolver_.requesters.size(), 2U);
  for (const auto& requester : resolver_.requesters) EXPECT_EQ(requester.priority, Priority::kOther);
  EXPECT_EQ(fetcher_.fetches[0].priority, Priority::kOther);
}

TEST_F(EngineTest, WhatIsFetchedBehindTheAnswerIsNoFirstContact) {
  CacheEntry entry{domain(), {RecordMemory::State::kFound, now_ - seconds(1), "1", {}}, {}, {}};
  entry.policy = StoredPolicy{"1", now_ - seconds(90'000), kPolicy, *parse_policy(kPolicy)};
  store_.entries.insert_or_assign("example.com", entry);
  ask();
  start();
  record("v=STSv1; id=1;");
  ASSERT_EQ(answers_.size(), 1U);
  address();
  ASSERT_EQ(resolver_.requesters.size(), 2U);
  EXPECT_EQ(resolver_.requesters[0].priority, Priority::kFirstContact);
  EXPECT_EQ(resolver_.requesters[1].priority, Priority::kOther);
  EXPECT_EQ(fetcher_.fetches.at(0).priority, Priority::kOther);
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
    EXPECT_NE(store_.entries.at("example.com").policy_in_force(now_), nullptr) << "remembered";
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
  expect_policy();
  EXPECT_EQ(store_.entries.at("example.com").policy->id, "2");
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

TEST_F(EngineTest, HoldsTheClaimFromItsFirstLookUntilEverythingIsSaved) {
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
  EXPECT_TRUE(resolver_.txts.empty()) << "what the other process remembers is enough";
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

TEST_F(EngineRaceTest, NotMoreThanTwoProcessesAskAtATime) {
  store_.taken_by_another = true;
  store_.second_taken_too = true;
  ask();
  loop_.advance(seconds(30));
  EXPECT_TRUE(resolver_.txts.empty());
  ASSERT_EQ(answers_.size(), 1U) << "at its deadline";
  EXPECT_EQ(answers_[0].progress, Outcome::Progress::kNotAsked) << "which is not: DNS does not answer";
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

// A policy that is old enough is answered at once and fetched again behind the caller's back (R21); who asks meanwhile
// gets the same answer.
TEST_F(EngineTest, R21RefreshesBehindTheAnswer) {
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
TEST_F(EngineTest, R21RefreshesThePolicyWithoutARecord) {
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

TEST_F(EngineTest, R20AnOutageOfDnsIsNoAlarmForEachPolicy) {
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

// The others would wait for what is not going to be remembered, one after the other.
TEST_F(EngineTest, WhoCannotRememberHoldsUpNoOtherProcess) {
  store_.full = true;
  ask();
  start();
  EXPECT_EQ(store_.claims_held, 1);
  record();
  EXPECT_EQ(store_.claims_held, 0);
}

// It goes on with its lookup, though it has no claim and has waited.
TEST_F(EngineRaceTest, WhoHasWaitedAndCannotRememberGoesOnAfterItsDeadline) {
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
