// Whether DANE goes before a policy is asked where it matters, and only there (R29).
#include <gtest/gtest.h>

#include "tests/unit/core/lookup_script.h"

namespace mtasts {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using test::absent;
using test::found;
using test::Life;
using test::next_of;
using test::policy_body;
using Progress = Outcome::Progress;

class LookupDane : public testing::Test {
 protected:
  static LookupRules asking() {
    LookupRules rules;
    rules.ask_dane = true;
    return rules;
  }
  Life life_{asking()};
};

TEST_F(LookupDane, R29IsAskedAfterThePolicyAndBeforeTheAnswer) {
  life_.start();
  life_.record(found("1"));
  EXPECT_EQ(next_of(life_.fetched(policy_body())), "dane");
  EXPECT_EQ(life_.answers, 0);
  EXPECT_EQ(life_.so_far().progress, Progress::kDanePending);
  EXPECT_EQ(next_of(life_.dane(DaneState::kUsable)), "finished");
  ASSERT_EQ(life_.answers, 1);
  EXPECT_EQ(life_.answer->entry.dane->state, DaneState::kUsable);
  EXPECT_EQ(life_.entry->dane, life_.answer->entry.dane) << "cached";
}

TEST_F(LookupDane, IsCachedForItsTtl) {
  life_.start();
  life_.record(found("1", seconds(3600)));
  life_.fetched(policy_body());
  life_.dane(DaneState::kNone, seconds(300));
  life_.pass(seconds(299));
  EXPECT_EQ(next_of(life_.start()), "finished");
  life_.pass(seconds(1));
  EXPECT_EQ(next_of(life_.start()), "dane");
}

TEST_F(LookupDane, AnAnswerWithoutATtlIsNotAskedForForEver) {
  LookupRules rules = asking();
  rules.min_ttl = seconds(0);
  Life life(rules);
  life.start();
  life.record(found("1"));
  life.fetched(policy_body());
  EXPECT_EQ(next_of(life.dane(DaneState::kUsable, seconds(0))), "finished");
  EXPECT_LT(life.now, life.answer->entry.dane->until) << "it counts for this answer";
}

TEST_F(LookupDane, AFailureIsNotAskedAgainAtOnceAndNotCachedForLong) {
  life_.start();
  life_.record(found("1"));
  life_.fetched(policy_body());
  life_.dane(DaneState::kFailed, seconds(0));
  life_.pass(seconds(9));
  EXPECT_EQ(next_of(life_.start()), "finished");
  life_.pass(seconds(1));
  EXPECT_EQ(next_of(life_.start()), "dane");
}

TEST_F(LookupDane, IsNotAskedWithoutAPolicyThatBinds) {
  life_.start();
  EXPECT_EQ(next_of(life_.record(absent())), "finished");
  life_.pass(hours(1));
  life_.start();
  life_.record(found("1"));
  EXPECT_EQ(next_of(life_.fetched(policy_body("none"))), "finished");
  life_.pass(hours(1));
  life_.start();
  life_.record(found("2"));
  EXPECT_EQ(next_of(life_.fetch_fails()), "finished");
}

// The policy is fetched after the question, because another process has saved one with another id; that takes longer
// than a failure of DNS is believed.
TEST_F(LookupDane, IsAskedOnceALookup) {
  life_.start();
  life_.record(found("1"));
  life_.fetched(policy_body());
  life_.dane(DaneState::kNone);
  life_.pass(hours(1));
  life_.start();
  ASSERT_EQ(next_of(life_.record(found("1"))), "dane");
  life_.merge_stored({test::domain(), {}, test::stored_policy("0", life_.now), {}});
  ASSERT_EQ(next_of(life_.dane(DaneState::kFailed)), "fetch 1");
  life_.pass(seconds(30));
  EXPECT_EQ(next_of(life_.fetched(policy_body())), "finished");
  EXPECT_EQ(life_.answers, 2);
}

TEST_F(LookupDane, R21ARefreshBehindTheAnswerWaitsForDane) {
  life_.start();
  life_.record(found("1"));
  life_.fetched(policy_body("enforce", 31'557'600));
  life_.dane(DaneState::kNone);
  life_.pass(hours(30));
  life_.start();
  EXPECT_EQ(next_of(life_.record(found("1"))), "dane");
  EXPECT_EQ(life_.answers, 1);
  EXPECT_EQ(next_of(life_.dane(DaneState::kNone)), "fetch 1");
  EXPECT_EQ(life_.answers, 2);
  EXPECT_EQ(next_of(life_.fetched(policy_body())), "finished");
}

TEST_F(LookupDane, R17APolicyInForceIsAskedForWhenItsRenewalFails) {
  life_.start();
  life_.record(found("1"));
  life_.fetched(policy_body());
  life_.dane(DaneState::kUsable, seconds(60));
  life_.pass(hours(1));
  life_.start();
  EXPECT_EQ(next_of(life_.record(fail(ErrorCode::kDnsTimeout, "no answer"))), "dane");
}

// For a reason of our own: what was found out before counts on, but nothing is saved.
TEST_F(LookupDane, R29WhatWasNotTriedReplacesNothing) {
  life_.start();
  life_.record(found("1", seconds(3600)));
  life_.fetched(policy_body());
  life_.dane(DaneState::kNone);
  life_.pass(seconds(300));
  const auto before = life_.entry;
  life_.start();
  const Action action = life_.dane_not_tried();
  EXPECT_EQ(next_of(action), "finished");
  EXPECT_FALSE(action.save);
  ASSERT_TRUE(action.answer);
  EXPECT_EQ(action.answer->progress, Progress::kSettled);
  EXPECT_EQ(action.answer->entry.dane->state, DaneState::kNone);
  EXPECT_LT(life_.now, action.answer->entry.dane->until);
  EXPECT_EQ(next_of(life_.start()), "dane") << "the next lookup asks again";
}

// It is the record that could not be asked for.
TEST_F(LookupDane, R29WhatWasFoundOutLastCountsOnAlsoWhereTheRecordWasNotTried) {
  life_.start();
  life_.record(found("1"));
  life_.fetched(policy_body());
  life_.dane(DaneState::kNone);
  life_.pass(hours(1));
  life_.start();
  life_.record(fail(ErrorCode::kNotTried, "too many questions"));
  ASSERT_EQ(life_.answer->progress, Progress::kNotTried);
  EXPECT_LT(life_.now, life_.answer->entry.dane->until);
}

TEST_F(LookupDane, R29WhatWasNeverFoundOutFailsWhenItIsNotTried) {
  life_.start();
  life_.record(found("1"));
  life_.fetched(policy_body());
  EXPECT_EQ(next_of(life_.dane_not_tried()), "finished");
  EXPECT_EQ(life_.answer->entry.dane->state, DaneState::kFailed);
}

// Also for mail that comes while the policy is fetched behind the answer; what is saved then keeps its end.
TEST_F(LookupDane, R21APolicyIsRenewedAllTheSameWhereDaneWasNotTried) {
  life_.start();
  life_.record(found("1"));
  life_.fetched(policy_body("enforce", 31'557'600));
  life_.dane(DaneState::kNone);
  life_.pass(hours(23));
  life_.start();
  life_.record(found("1"));
  life_.dane(DaneState::kNone);
  const auto end = life_.entry->dane->until;
  life_.pass(hours(2));
  life_.start();
  life_.record(found("1"));
  EXPECT_EQ(next_of(life_.dane_not_tried()), "fetch 1");
  life_.pass(seconds(150));
  EXPECT_LT(life_.now, life_.so_far().entry.dane->until);
  EXPECT_EQ(life_.so_far().entry.dane, life_.answer->entry.dane);
  EXPECT_EQ(next_of(life_.fetched(policy_body())), "finished");
  EXPECT_EQ(life_.entry->policy->fetched, life_.now);
  EXPECT_EQ(life_.entry->dane->until, end);
}

// A delivery that joins a refresh does not wait for the fetch.
TEST_F(LookupDane, R21ARefreshAsksForDaneBeforeItFetches) {
  life_.start();
  life_.record(found("1"));
  life_.fetched(policy_body());
  life_.dane(DaneState::kNone);
  life_.pass(hours(1));
  life_.refresh();
  EXPECT_EQ(next_of(life_.record(found("1"))), "dane");
  EXPECT_EQ(next_of(life_.dane(DaneState::kNone)), "fetch 1");
}

TEST(LookupWithoutDane, IsNeverAsked) {
  Life life;
  life.start();
  life.record(found("1"));
  EXPECT_EQ(next_of(life.fetched(policy_body())), "finished");
}

// A store that is read-only or full still holds the policy from before when DANE has been asked for.
TEST_F(LookupDane, R18AStoreThatDidNotTakeTheNewPolicyDoesNotUndoIt) {
  CacheEntry stored{test::domain(), {}, test::stored_policy("old", test::kNow - hours{8 * 24}), {}};
  Lookup lookup(test::domain(), stored, Lookup::Effort::kNormal, asking());
  lookup.start(test::kNow);
  lookup.merge_stored(stored);
  lookup.on_record(found("new"), test::kNow);
  lookup.merge_stored(stored);
  lookup.on_fetch(policy_body(), test::kNow);
  lookup.merge_stored(stored);
  const Action action = lookup.on_dane({DaneState::kNone, seconds{300}, "none"}, test::kNow);
  ASSERT_TRUE(action.answer);
  ASSERT_NE(action.answer->entry.policy_in_force(test::kNow), nullptr);
  EXPECT_EQ(action.answer->entry.policy->id, "new");
}

TEST_F(LookupDane, R17BeforeTheRecordIsAnsweredThePolicyInForceWillDo) {
  life_.start();
  EXPECT_FALSE(life_.without_record()) << "there is no policy";
  life_.record(found("1", seconds(60)));
  life_.fetched(policy_body());
  life_.dane(DaneState::kUsable);
  EXPECT_FALSE(life_.without_record()) << "the record is answered";
  life_.pass(seconds(61));
  life_.start();
  const auto outcome = life_.without_record();
  ASSERT_TRUE(outcome);
  EXPECT_NE(outcome->entry.policy_in_force(life_.now), nullptr);
  EXPECT_EQ(outcome->entry.dane->state, DaneState::kUsable);
}

TEST_F(LookupDane, R29AFindingThatHasRunOutWillDoOnlyForAReasonOfOurOwn) {
  life_.adopt("1");
  life_.dane(DaneState::kUsable);
  life_.pass(seconds(301));
  life_.start();
  EXPECT_FALSE(life_.without_record()) << "or whoever keeps DNS silent could choose";
  const auto outcome = life_.without_record("no room");
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->entry.dane->state, DaneState::kPartly) << "DANE is demanded of hosts that it has judged";
  EXPECT_LT(life_.now, outcome->entry.dane->until);
  life_.pass(hours(25));
  EXPECT_FALSE(life_.without_record("no room")) << "it is too old";
}

TEST_F(LookupDane, R29AFindingThatIsAboutToRunOutWillDoAsOneThatHas) {
  life_.adopt("1");
  life_.dane(DaneState::kUsable, seconds(360));
  life_.pass(seconds(355));
  life_.start();
  EXPECT_FALSE(life_.without_record()) << "it may have run out when it is decided";
  const auto outcome = life_.without_record("no room");
  ASSERT_TRUE(outcome);
  EXPECT_LT(life_.now + seconds(10), outcome->entry.dane->until);
}

TEST_F(LookupDane, R29AFindingThatHasFailedWillNotDo) {
  life_.adopt("1");
  life_.dane(DaneState::kFailed);
  CacheEntry stored = *life_.entry;
  stored.record.until = life_.now;
  stored.dane->until = life_.now + hours(1);
  Lookup lookup(test::domain(), stored, Lookup::Effort::kNormal, asking());
  lookup.start(life_.now);
  EXPECT_FALSE(lookup.without_record(life_.now, "no room")) << "it would make the mail wait";
}

TEST_F(LookupDane, R29WhereDaneWasNeverFoundOutThePolicyInForceWillNotDo) {
  const CacheEntry stored{test::domain(), {}, test::stored_policy("1", test::kNow), {}};
  Lookup asking_dane(test::domain(), stored, Lookup::Effort::kNormal, asking());
  asking_dane.start(test::kNow);
  EXPECT_FALSE(asking_dane.without_record(test::kNow, "no room"));
  Lookup other(test::domain(), stored, Lookup::Effort::kNormal, {});
  other.start(test::kNow);
  EXPECT_TRUE(other.without_record(test::kNow, {}));
}

TEST_F(LookupDane, R22APolicyThatIsAboutToExpireWillNotDoNorOneThatProtectsNothing) {
  CacheEntry stored{test::domain(), {}, test::stored_policy("1", test::kNow), {}};
  Lookup lookup(test::domain(), stored, Lookup::Effort::kNormal, {});
  lookup.start(test::kNow);
  const WallTime end = stored.policy->expires();
  EXPECT_TRUE(lookup.without_record(end - seconds(11), {}));
  EXPECT_FALSE(lookup.without_record(end - seconds(10), {})) << "it is decided by a moment later";
  stored.policy = test::stored_policy("1", test::kNow, policy_body("none"));
  Lookup none(test::domain(), stored, Lookup::Effort::kNormal, {});
  none.start(test::kNow);
  EXPECT_FALSE(none.without_record(test::kNow, {})) << "the domain may have come back";
}

TEST_F(LookupDane, R17APolicyThatAnotherProcessHasFetchedMeanwhileIsNotUndone) {
  Lookup lookup(test::domain(), std::nullopt, Lookup::Effort::kNormal, asking());
  lookup.start(test::kNow);
  lookup.on_record(found("1"), test::kNow);
  lookup.on_fetch(policy_body(), test::kNow);
  lookup.merge_stored(CacheEntry{test::domain(), {}, test::stored_policy("2", test::kNow), {}});
  const Action action = lookup.on_dane({DaneState::kNone, seconds{300}, "none"}, test::kNow);
  ASSERT_TRUE(action.save);
  EXPECT_EQ(action.save->policy->id, "2");
}

// It failed at a refresh of the policy that this lookup has just fetched and saved.
TEST_F(LookupDane, R15TheBackOffOfAnotherProcessIsKept) {
  Lookup lookup(test::domain(), std::nullopt, Lookup::Effort::kNormal, asking());
  lookup.start(test::kNow);
  lookup.on_record(found("1"), test::kNow);
  CacheEntry theirs = lookup.on_fetch(policy_body(), test::kNow).save.value();
  theirs.failure = FetchFailure{"1", 1, 1, test::kNow + seconds{300}, {ErrorCode::kPolicyFetch, "503"}};
  lookup.merge_stored(theirs);
  const Action action = lookup.on_dane({DaneState::kNone, seconds{300}, "none"}, test::kNow);
  ASSERT_TRUE(action.save);
  EXPECT_EQ(action.save->failure, theirs.failure);
}

}  // namespace
}  // namespace mtasts
