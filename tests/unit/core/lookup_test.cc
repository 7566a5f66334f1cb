// A lookup from the record to the answer, and what it makes of what others know.
#include "core/lookup.h"

#include <gtest/gtest.h>

#include "tests/unit/core/lookup_script.h"

namespace mtasts {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using test::absent;
using test::domain;
using test::found;
using test::kFailures;
using test::kNow;
using test::kServfail;
using test::kTimeout;
using test::kUnreachable;
using test::Life;
using test::malformed;
using test::next_of;
using test::policy_body;
using Progress = Outcome::Progress;
using State = RecordMemory::State;

TEST(Lookup, AsksForTheRecordThenForThePolicy) {
  Life life;
  EXPECT_EQ(next_of(life.start()), "query");
  EXPECT_EQ(life.so_far().progress, Progress::kRecordPending);
  const Action asked = life.record(found("1"));
  EXPECT_EQ(next_of(asked), "fetch 1");
  EXPECT_TRUE(asked.save) << "the record is cached even if the fetch never ends";
  EXPECT_EQ(life.so_far().progress, Progress::kFetchPending);
  EXPECT_EQ(life.told(), "?");
  const Action done = life.fetched(policy_body());
  EXPECT_EQ(next_of(done), "finished");
  EXPECT_EQ(done.answer->progress, Progress::kSettled);
  EXPECT_FALSE(done.answer->from_cache);
  EXPECT_EQ(life.told(), "enforce 1");
  EXPECT_EQ(life.entry->policy->fetched, kNow);
  EXPECT_EQ(life.entry->policy->body, policy_body());
}

TEST(Lookup, R17ACachedPolicyNeedsNoNetwork) {
  Life life;
  life.adopt("1");
  life.pass(seconds{299});
  const Action action = life.start();
  EXPECT_EQ(next_of(action), "finished");
  EXPECT_FALSE(action.save);
  EXPECT_TRUE(action.answer->from_cache);
  EXPECT_EQ(life.told(), "enforce 1");
}

TEST(Lookup, R23ACachedRecordIsEnoughUntilARefreshIsDue) {
  Life life;
  life.start();
  life.record(found("1", hours{24}));
  life.fetched(policy_body("enforce", 86'400));
  life.pass(hours{21} - seconds{1});
  EXPECT_EQ(next_of(life.start()), "finished") << "a cached answer never needs the network";
  EXPECT_EQ(life.told(), "enforce 1");
  life.pass(seconds{1});
  EXPECT_EQ(next_of(life.start()), "query") << "R21";
}

TEST(Lookup, R23TheRecordIsAskedForAgainAfterItsTtl) {
  Life life;
  life.adopt("1");
  life.pass(seconds{300});
  EXPECT_EQ(next_of(life.start()), "query");
  const Action action = life.record(found("1"));
  EXPECT_EQ(next_of(action), "finished") << "the same id, and a young policy";
  EXPECT_EQ(life.told(), "enforce 1");
  EXPECT_EQ(action.save->record.until, life.now + seconds{300});
}

TEST(Lookup, R23TheTtlIsBoundedByConfiguration) {
  const auto cached_for = [](seconds ttl, LookupRules rules, bool negative) {
    Life life(rules);
    life.start();
    life.record(negative ? absent(ttl) : found("1", ttl));
    return life.entry->record.until - life.now;
  };
  const LookupRules kOwn{.min_ttl = seconds{0}};
  for (const bool negative : {false, true}) {
    EXPECT_EQ(cached_for(seconds{10}, {}, negative), seconds{60});
    EXPECT_EQ(cached_for(seconds{0}, {}, negative), seconds{60});
    EXPECT_EQ(cached_for(seconds{3600}, {}, negative), seconds{3600});
    EXPECT_EQ(cached_for(seconds{2'147'483'647}, {}, negative), seconds{86'400});
    EXPECT_EQ(cached_for(seconds::max(), {}, negative), seconds{86'400});
    EXPECT_EQ(cached_for(seconds{10}, kOwn, negative), seconds{10});
    EXPECT_EQ(cached_for(seconds{0}, kOwn, negative), seconds{0});
    EXPECT_EQ(cached_for(seconds{-5}, kOwn, negative), seconds{0});
  }
}

TEST(Lookup, R23NegativeAnswersAreCached) {
  for (const RecordResult& result : {absent(), malformed()}) {
    Life life;
    life.start();
    const Action action = life.record(result);
    EXPECT_EQ(next_of(action), "finished");
    EXPECT_TRUE(action.save);
    EXPECT_EQ(life.told(), "-");
    life.pass(seconds{299});
    EXPECT_EQ(next_of(life.start()), "finished");
    EXPECT_TRUE(life.answer->from_cache);
    life.pass(seconds{1});
    EXPECT_EQ(next_of(life.start()), "query");
  }
}

TEST(Lookup, R20AFailingResolverIsNotAskedAgainAtOnce) {
  for (const RecordResult& failure : kFailures) {
    Life life;
    life.start();
    EXPECT_EQ(next_of(life.record(failure)), "finished");
    EXPECT_EQ(life.answer->entry.record.state, State::kFailed);
    EXPECT_EQ(life.answer->entry.record.detail,
              std::string(error_name(failure.error().code)) + ": " + failure.error().detail);
    life.pass(LookupRules{}.dns_retry - seconds{1});
    EXPECT_EQ(next_of(life.start()), "finished");
    life.pass(seconds{1});
    EXPECT_EQ(next_of(life.start()), "query");
  }
}

TEST(Lookup, R20NoAnswerAboutTheRecordRemovesAPolicy) {
  const RecordResult kAnswers[] = {absent(), malformed(), kServfail, kTimeout, kUnreachable};
  for (const RecordResult& result : kAnswers) {
    Life life;
    life.adopt("1");
    for (int round = 0; round < 5; ++round) {
      life.pass(hours{1});
      life.start();
      EXPECT_EQ(next_of(life.record(result)), "finished") << "nothing is due";
      EXPECT_EQ(life.told(), "enforce 1");
      EXPECT_EQ(next_of(life.start()), "finished") << "cached";
      EXPECT_EQ(life.told(), "enforce 1");
    }
  }
}

TEST(Lookup, R17FailuresAllTheWayLeaveThePolicyUntilItsExpiry) {
  Life life;
  life.adopt("1", policy_body("enforce", 86'400));
  const WallTime expires = life.entry->policy->expires();
  for (; life.now < expires; life.pass(minutes{17})) {
    if (next_of(life.start()) == "query" && next_of(life.record(found("2"))) == "fetch 2") life.fetch_fails();
    ASSERT_EQ(life.told(), "enforce 1");
  }
}

// Another process fetched while we looked: its policy, and with it what it knows of failures.
TEST(Lookup, R17WhatAnotherProcessFoundOutIsLearntWithItsFailure) {
  Life life({.min_ttl = seconds{0}});
  life.start();
  life.record(found("1", seconds{0}));
  life.fetch_fails();
  EXPECT_EQ(life.entry->failure->streak, 1U);
  CacheEntry theirs = *life.entry;
  theirs.policy = test::stored_policy("2", life.now);
  theirs.failure.reset();
  life.start();
  life.merge_stored(theirs);
  life.record(absent(seconds{0}));
  EXPECT_EQ(life.entry->policy, theirs.policy);
  EXPECT_EQ(life.entry->failure, std::nullopt) << "a success ends the row (R15)";

  theirs.policy = test::stored_policy("3", life.now);
  theirs.failure = FetchFailure{"4", 7, 7, life.now + seconds{3600}, {ErrorCode::kPolicyFetch, "503"}};
  life.start();
  life.merge_stored(theirs);
  EXPECT_EQ(next_of(life.record(found("4", seconds{0}))), "finished") << "nor is its back-off undone";
  EXPECT_EQ(life.entry->failure, theirs.failure);
}

// A process that had stood still saves what it fetched an hour ago, while this one fetches what is published now.
TEST(Lookup, R18WhereAnotherProcessSavedAPolicyOfAnotherIdTheRecordDecides) {
  for (const std::string id : {"2", "3"}) {
    Life life;
    life.adopt("1");
    life.pass(hours{2});
    life.start();
    EXPECT_EQ(next_of(life.record(found("3"))), "fetch 3");
    life.merge_stored({domain(), {}, test::stored_policy("2", life.now), {}});
    EXPECT_EQ(next_of(life.fetched(policy_body("testing"), Lookup::Rival::kNewer)), "query");
    EXPECT_EQ(life.told(), "?");
    EXPECT_EQ(next_of(life.record(found(id))), id == "2" ? "finished" : "fetch 3");
    if (id == "3") life.fetched(policy_body("testing"), Lookup::Rival::kNewer);
    EXPECT_EQ(life.told(), id == "2" ? "enforce 2" : "testing 3");
    EXPECT_EQ(life.entry->policy->id, id);
  }
}

TEST(Lookup, R17APolicyOfTheSameIdThatAnotherProcessSavedStays) {
  Life life;
  life.start();
  life.record(found("1"));
  const StoredPolicy theirs = test::stored_policy("1", life.now);
  life.merge_stored({domain(), {}, theirs, {}});
  EXPECT_EQ(next_of(life.fetched(policy_body("testing"), Lookup::Rival::kNewer)), "finished");
  EXPECT_EQ(life.entry->policy, theirs);
}

TEST(Lookup, WhatIsCachedOfAnotherDomainIsNotMerged) {
  Life other;
  other.adopt("1");
  Lookup lookup(domain("example.org"), {}, Lookup::Effort::kNormal, {});
  lookup.start(kNow);
  lookup.merge_stored(other.entry);
  EXPECT_EQ(lookup.so_far().entry, (CacheEntry{domain("example.org"), {}, {}, {}}));
}

TEST(Lookup, AClockSetBackCannotFreezeAnything) {
  Life life;
  life.adopt("1");
  life.start();
  life.pass(-hours{24 * 365});
  EXPECT_EQ(next_of(life.start()), "query") << "the record is not believed for a year";
  EXPECT_EQ(next_of(life.record(found("1"))), "fetch 1") << "and the policy is refreshed";
  EXPECT_EQ(life.told(), "enforce 1");
  life.fetch_fails();
  life.pass(-hours{24});
  life.start();
  EXPECT_EQ(next_of(life.record(found("1"))), "fetch 1") << "nor does the back-off last a day";
  life.fetched(policy_body());
  EXPECT_EQ(life.entry->policy->fetched, life.now);
}

TEST(Lookup, WhatIsCachedOfAnotherDomainIsNotUsed) {
  Life other;
  other.adopt("1");
  Lookup lookup(domain("example.org"), other.entry, Lookup::Effort::kNormal, {});
  EXPECT_EQ(next_of(lookup.start(kNow)), "query");
  EXPECT_EQ(lookup.so_far().entry, (CacheEntry{domain("example.org"), {}, {}, {}}));
}

TEST(Lookup, EverythingSavedSurvivesTheStore) {
  Life life;
  const auto survives = [&life] {
    const auto back = parse_cache_entry(serialize(*life.entry), domain());
    return back && *back == life.entry;
  };
  life.adopt("1");
  EXPECT_TRUE(survives());
  life.pass(hours{25});
  life.start();
  life.record(found("2"));
  EXPECT_TRUE(survives());
  life.fetched("not\na policy\n");
  EXPECT_TRUE(survives());
  life.pass(hours{25});
  life.start();
  life.record(malformed());
  EXPECT_TRUE(survives());
  life.pass(hours{25});
  life.start();
  life.record(kTimeout);
  EXPECT_TRUE(survives());
}

TEST(Lookup, WhatWasNotTriedIsNotHeldAgainstThePolicyHost) {
  Life life;
  life.start();
  life.record(found("1"));
  const Action action = life.fetched(fail(ErrorCode::kNotTried, "too many fetches are under way"));
  EXPECT_EQ(next_of(action), "finished");
  ASSERT_EQ(life.answers, 1);
  EXPECT_EQ(life.answer->progress, Outcome::Progress::kNotTried) << "mail waits, as for a fetch under way";
  EXPECT_EQ(life.answer->fault,
            (Error{ErrorCode::kNotTried,
                   "example.com has a record (id 1), but its policy could not be fetched from here: too many fetches "
                   "are under way"}));
  EXPECT_FALSE(life.entry->failure);
  EXPECT_EQ(next_of(life.start()), "fetch 1") << "at the next occasion";
}

TEST(Lookup, ARecordThatWasNotAskedForIsNoFailureOfDns) {
  for (const auto code : {ErrorCode::kNotTried, ErrorCode::kLocalFault, ErrorCode::kInternal}) {
    Life life;
    life.start();
    const Action action = life.record(fail(code, "too many questions are under way"));
    EXPECT_EQ(next_of(action), "finished");
    EXPECT_FALSE(action.save) << "nothing was found out";
    ASSERT_EQ(life.answers, 1);
    EXPECT_EQ(life.answer->progress, Outcome::Progress::kNotTried);
    EXPECT_EQ(life.answer->fault, (Error{code,
                                         "the record _mta-sts.example.com could not be asked for from here: too many "
                                         "questions are under way"}));
    EXPECT_EQ(life.answer->entry.record.state, RecordMemory::State::kUnknown);
    EXPECT_EQ(next_of(life.start()), "query") << "at the next occasion";
  }
}

TEST(Lookup, R20WhatIsCachedOutlivesARecordThatWasNotAskedFor) {
  Life life;
  life.adopt("1");
  life.pass(std::chrono::hours(1));
  const auto before = life.entry;
  life.start();
  EXPECT_FALSE(life.record(fail(ErrorCode::kNotTried, "too many questions are under way")).save);
  EXPECT_EQ(life.told(), "enforce 1") << "R17";
  EXPECT_EQ(life.entry, before);
}

TEST(Lookup, R17APolicyInForceIsAppliedWhereItsRenewalWasNotTried) {
  Life life;
  life.adopt("1");
  life.pass(std::chrono::hours(1));
  life.start();
  life.record(found("2"));
  life.fetched(fail(ErrorCode::kNotTried, "too many fetches are under way"));
  EXPECT_EQ(life.told(), "enforce 1");
}

}  // namespace
}  // namespace mtasts
