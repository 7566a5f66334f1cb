// Policies that are fetched again, with a record and without.
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

TEST(LookupRefresh, R21AnOldPolicyIsRefreshedBehindTheAnswer) {
  Life life;
  life.adopt("1");
  life.pass(hours{24});
  life.start();
  const Action action = life.record(found("1"));
  EXPECT_EQ(next_of(action), "fetch 1");
  EXPECT_EQ(action.answer->progress, Progress::kSettled);
  EXPECT_EQ(life.told(), "enforce 1");
  const Action done = life.fetched(policy_body("testing"));
  EXPECT_EQ(next_of(done), "finished");
  EXPECT_FALSE(done.answer) << "it has been given";
  EXPECT_EQ(done.save->policy->fetched, life.now);
  EXPECT_EQ(done.save->policy->policy.mode, Mode::kTesting);
}

TEST(LookupRefresh, R21AFailingRefreshIsNotedAndBackedOff) {
  Life life;
  life.adopt("1");
  life.pass(hours{24});
  life.start();
  life.record(found("1", seconds{60}));
  const Action done = life.fetch_fails(ErrorCode::kWebPkiInvalid);
  EXPECT_FALSE(done.answer);
  EXPECT_EQ(done.save->failure->error.code, ErrorCode::kWebPkiInvalid) << "for the administrator's log";
  EXPECT_NE(done.save->policy_in_force(life.now), nullptr);
  life.pass(seconds{60});
  life.start();
  EXPECT_EQ(next_of(life.record(found("1"))), "finished");
  life.pass(seconds{300});
  life.start();
  EXPECT_EQ(next_of(life.record(found("1"))), "fetch 1");
}

TEST(LookupRefresh, R21AShortLivedPolicyIsRefreshedBeforeItExpires) {
  Life life;
  life.adopt("1", policy_body("enforce", 8000));
  life.pass(seconds{6999});
  life.start();
  EXPECT_EQ(next_of(life.record(found("1", seconds{60}))), "finished");
  life.pass(seconds{60});
  life.start();
  EXPECT_EQ(next_of(life.record(found("1"))), "fetch 1");
  EXPECT_EQ(life.told(), "enforce 1");
}

TEST(LookupRefresh, R21ARefreshAsksAndFetchesWhateverIsCached) {
  Life life;
  life.adopt("1");
  life.pass(seconds{1});
  EXPECT_EQ(next_of(life.refresh()), "query");
  EXPECT_EQ(life.so_far().entry.policy_in_force(life.now)->id, "1");
  EXPECT_EQ(next_of(life.record(found("1"))), "fetch 1");
  EXPECT_EQ(life.told(), "?") << "whoever refreshes wants to know what came of it";
  life.fetched(policy_body("testing"));
  EXPECT_EQ(life.told(), "testing 1");
}

// What an attacker on DNS can make of the record.
const RecordResult kNoRecord[] = {absent(), absent(seconds{86'400}), malformed(), kServfail, kTimeout, kUnreachable};

TEST(LookupRefresh, R21APolicyInForceIsRefreshedWhateverTheRecordSays) {
  for (const RecordResult& result : kNoRecord) {
    for (const char* mode : {"enforce", "testing"}) {
      Life life;
      life.adopt("1", policy_body(mode));
      life.pass(hours{23});
      life.start();
      EXPECT_EQ(next_of(life.record(result)), "finished") << "it is not due yet";
      life.pass(hours{1});
      life.start();
      const Action action = life.record(result);
      EXPECT_EQ(next_of(action), "fetch 1");
      EXPECT_EQ(life.told(), std::string(mode) + " 1") << "the answer does not wait for it";
      EXPECT_FALSE(life.fetched(policy_body("testing", 86'400)).answer);
      EXPECT_EQ(life.entry->policy->fetched, life.now) << "R18: its age starts anew";
      EXPECT_EQ(life.entry->policy->policy.mode, Mode::kTesting);
      EXPECT_EQ(life.entry->policy->id, "1") << "the record could not be read: the id it had";
      EXPECT_NE(life.entry->record.state, State::kFound);
    }
  }
}

TEST(LookupRefresh, R17ADomainWhoseRecordIsDeniedForAYearKeepsItsPolicy) {
  for (const RecordResult& result : kNoRecord) {
    Life life;
    life.adopt("1", policy_body("enforce", 86'400));
    int fetches = 0;
    for (const WallTime end = life.now + hours{24 * 365}; life.now < end; life.pass(minutes{90})) {
      if (next_of(life.start()) == "query" && next_of(life.record(result)) == "fetch 1") {
        life.fetched(policy_body("enforce", 86'400));
        ++fetches;
      }
      ASSERT_EQ(life.told(), "enforce 1");
    }
    EXPECT_GT(fetches, 365);
    EXPECT_LT(fetches, 3 * 365);
  }
}

// Whoever has the record denied chooses also how long that is believed, and so when it is asked for next.
TEST(LookupRefresh, R17APolicyOfMinutesOutlivesItsRecordAsLongAsMailIsSent) {
  for (const RecordResult& result : {absent(), absent(seconds{45}), absent(seconds{86'400}), kServfail, kTimeout}) {
    for (const int max_age : {2, 8, 59, 60, 90, 400, 500}) {
      Life life;
      life.start();
      life.record(found("1", seconds{60}));
      life.fetched(policy_body("enforce", max_age));
      for (int second = 0; second < 2000; ++second) {
        if (next_of(life.start()) == "query" && next_of(life.record(result)) == "fetch 1")
          life.fetched(policy_body("enforce", max_age));
        ASSERT_EQ(life.told(), "enforce 1") << max_age << " s, after " << second << " s";
        life.pass(seconds{1});
      }
    }
  }
}

TEST(LookupRefresh, R21ARefreshThatFailsIsTriedAgainBeforeThePolicyExpires) {
  Life life;
  life.adopt("1", policy_body("enforce", 400));
  life.pass(seconds{350});
  life.start();
  EXPECT_EQ(next_of(life.record(absent(seconds{86'400}))), "fetch 1");
  life.fetch_fails(ErrorCode::kDnsTimeout);
  EXPECT_EQ(life.entry->record.until, life.now + seconds{25}) << "half of the time that is left";
  life.pass(seconds{25});
  life.start();
  EXPECT_EQ(next_of(life.record(kServfail)), "fetch 1");
}

TEST(LookupRefresh, R21AnExplicitRefreshNeedsNoRecord) {
  for (const RecordResult& result : kNoRecord) {
    Life life;
    life.adopt("1");
    life.pass(seconds{1});
    life.refresh();
    EXPECT_EQ(next_of(life.record(result)), "fetch 1");
    EXPECT_EQ(life.told(), "?") << "whoever refreshes wants to know what came of it";
    life.fetch_fails();
    EXPECT_EQ(life.told(), "enforce 1");
    EXPECT_EQ(life.entry->failure->id, "1");
    life.pass(seconds{299});
    life.refresh();
    EXPECT_EQ(next_of(life.record(result)), "finished") << "R15";
    life.pass(seconds{1});
    life.refresh();
    EXPECT_EQ(next_of(life.record(result)), "fetch 1");
  }
}

TEST(LookupRefresh, R15BackOffHoldsWithoutTheRecordAndWhenItIsBack) {
  Life life;
  life.adopt("1");
  life.pass(hours{24});
  life.start();
  life.record(absent(seconds{0}));
  life.fetch_fails();
  life.pass(seconds{60});
  life.start();
  EXPECT_EQ(next_of(life.record(kServfail)), "finished");
  life.pass(seconds{60});
  life.start();
  EXPECT_EQ(next_of(life.record(found("1"))), "finished") << "the same id";
  life.refresh();
  EXPECT_EQ(next_of(life.record(found("2"))), "fetch 2") << "another one may be tried at once";
}

TEST(LookupRefresh, R18ARecordThatIsBackWithAnotherIdIsFetchedBeforeTheAnswer) {
  Life life;
  life.adopt("1");
  life.pass(hours{24});
  life.start();
  life.record(kServfail);
  life.fetched(policy_body());
  life.pass(seconds{60});
  life.start();
  EXPECT_EQ(next_of(life.record(found("2"))), "fetch 2");
  EXPECT_EQ(life.told(), "?");
}

TEST(LookupRefresh, R19NoneReplacesEnforceAlsoWithoutARecord) {
  Life life;
  life.adopt("1");
  life.pass(hours{24});
  life.start();
  life.record(absent());
  life.fetched(policy_body("none", 86'400, ""));
  EXPECT_EQ(life.entry->policy->policy.mode, Mode::kNone);
  life.pass(hours{23});
  life.refresh();
  EXPECT_EQ(next_of(life.record(absent())), "finished") << "the domain has left; its record would bring it back";
  EXPECT_EQ(life.told(), "none 1");
}

TEST(LookupRefresh, R22WithoutARecordNothingIsFetchedForAnExpiredPolicy) {
  for (const RecordResult& result : kNoRecord) {
    Life life;
    life.adopt("1", policy_body("enforce", 3600));
    life.pass(seconds{3600});
    for (const auto effort : {Lookup::Effort::kNormal, Lookup::Effort::kRefresh}) {
      life.start(effort);
      EXPECT_EQ(next_of(life.record(result)), "finished");
      EXPECT_EQ(life.told(), "-");
      life.pass(hours{24});
    }
  }
}

TEST(LookupRefresh, WithoutARecordAFirstPolicyIsNotFetched) {
  for (const RecordResult& result : kNoRecord) {
    Life life;
    life.refresh();
    EXPECT_EQ(next_of(life.record(result)), "finished");
    EXPECT_EQ(life.told(), "-");
  }
}

// An answer of the attacker's, with a long life, must not keep the policy from being looked at until it has expired.
TEST(LookupRefresh, R21ADenialIsBelievedUntilThePolicyIsDueAtTheLongest) {
  Life life;
  life.adopt("1", policy_body("enforce", 80'000));
  life.pass(seconds{300});
  life.start();
  life.record(absent(seconds{86'400}));
  EXPECT_EQ(life.entry->record.until, kNow + seconds{70'000});
  life.pass(seconds{69'700});
  life.start();
  EXPECT_EQ(next_of(life.record(absent(seconds{86'400}))), "fetch 1");
  life.fetch_fails();
  EXPECT_EQ(life.entry->record.until, life.now + seconds{60}) << "then it is asked for again soon";
}

// A record that lives longer than its policy must not keep deliveries from refreshing it.
TEST(LookupRefresh, R21AFoundRecordIsCachedUntilThePolicyIsDueAtTheLongest) {
  Life life;
  life.start();
  life.record(found("1", seconds{86'400}));
  life.fetched(policy_body("enforce", 8000));
  EXPECT_EQ(life.entry->record.until, kNow + seconds{7000});
  life.pass(seconds{6999});
  EXPECT_EQ(next_of(life.start()), "finished");
  life.pass(seconds{1});
  EXPECT_EQ(next_of(life.start()), "query");
  EXPECT_EQ(next_of(life.record(found("1", seconds{86'400}))), "fetch 1");
  EXPECT_EQ(life.told(), "enforce 1") << "behind the answer";
  life.fetch_fails();
  EXPECT_EQ(life.entry->record.until, life.now + seconds{60}) << "then it is asked for again soon";
  life.pass(seconds{300});
  life.start();
  EXPECT_EQ(next_of(life.record(found("1", seconds{86'400}))), "fetch 1");
  life.fetched(policy_body("enforce", 8000));
  EXPECT_EQ(life.entry->record.until, life.now + seconds{7000})
      << "its own time to live, up to when the new one is due";
}

TEST(LookupRefresh, R23AShorterTimeToLiveOfARecordIsKept) {
  Life life;
  life.start();
  life.record(found("1", seconds{300}));
  life.fetched(policy_body("enforce", 8000));
  EXPECT_EQ(life.entry->record.until, kNow + seconds{300});
}

// DNS gives neither the record nor an address: nothing was asked of the policy host, so nothing counts against it.
TEST(LookupRefresh, R20AnOutageOfDnsIsNoFailureOfThePolicyHost) {
  Life life;
  life.adopt("1", policy_body("enforce", 86'400));
  life.pass(hours{23});
  for (; life.now < kNow + hours{24} - minutes{2}; life.pass(minutes{1})) {
    life.start();
    EXPECT_EQ(next_of(life.record(kTimeout)), "fetch 1");
    life.fetched(tl::unexpected(kTimeout.error()));
    ASSERT_EQ(life.told(), "enforce 1");
    ASSERT_EQ(life.entry->failure->reported().code, ErrorCode::kPolicyFetch) << "RFC 8460 §4.3";
    ASSERT_EQ(life.entry->failure->count, 0U);
    ASSERT_EQ(life.entry->failure->streak, 0U);
    ASSERT_EQ(life.entry->failure->retry_at, life.now + LookupRules{}.dns_retry);
  }
  life.start();
  EXPECT_EQ(next_of(life.record(found("1"))), "fetch 1") << "when DNS is back, nothing delays it";
}

TEST(LookupRefresh, R15APolicyHostWithARecordAndNoAnswerAboutItsAddressesIsBackedOff) {
  Life life;
  life.start();
  life.record(found("1"));
  life.fetched(tl::unexpected(kTimeout.error()));
  EXPECT_EQ(life.entry->failure,
            (FetchFailure{"1", 1, 1, life.now + seconds{300}, {ErrorCode::kDnsTimeout, "no answer in 5 s"}}));
}

TEST(LookupRefresh, AnOutageOfDnsLeavesTheRowOfFailuresAsItIs) {
  Life life;
  life.adopt("1");
  life.pass(hours{24});
  life.start();
  life.record(absent(seconds{0}));
  life.fetch_fails();
  life.pass(seconds{300});
  life.start();
  life.record(kTimeout);
  life.fetched(tl::unexpected(kTimeout.error()));
  EXPECT_EQ(life.entry->failure->count, 1U);
  EXPECT_EQ(life.entry->failure->streak, 1U);
}

TEST(LookupRefresh, WhatWasNotTriedWithoutARecordIsToldAsSuch) {
  Life life;
  life.adopt("1");
  life.pass(hours{24});
  life.refresh();
  life.record(absent());
  life.fetched(fail(ErrorCode::kNotTried, "too many fetches are under way"));
  EXPECT_EQ(life.answer->fault->detail,
            "the policy of example.com could not be fetched from here: too many fetches are under way");
  EXPECT_EQ(life.told(), "enforce 1");
}

}  // namespace
}  // namespace mtasts
