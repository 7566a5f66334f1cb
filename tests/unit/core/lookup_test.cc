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
using test::Life;
using test::malformed;
using test::next_of;
using test::policy_body;
using Progress = Outcome::Progress;
using State = RecordMemory::State;

const RecordResult kServfail = fail(ErrorCode::kDnsFailure, "SERVFAIL");
const RecordResult kTimeout = fail(ErrorCode::kDnsTimeout, "no answer in 5 s");
const RecordResult kUnreachable = fail(ErrorCode::kDnsUnreachable, "connection refused");
const RecordResult kFailures[] = {kServfail, kTimeout, kUnreachable};

TEST(Lookup, AsksForTheRecordThenForThePolicy) {
  Life life;
  EXPECT_EQ(next_of(life.start()), "query");
  EXPECT_EQ(life.so_far().progress, Progress::kRecordPending);
  const Action asked = life.record(found("1"));
  EXPECT_EQ(next_of(asked), "fetch 1");
  EXPECT_TRUE(asked.save) << "the record is remembered even if the fetch never ends";
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

TEST(Lookup, R17ARememberedPolicyNeedsNoNetwork) {
  Life life;
  life.adopt("1");
  life.pass(seconds{299});
  const Action action = life.start();
  EXPECT_EQ(next_of(action), "finished");
  EXPECT_FALSE(action.save);
  EXPECT_TRUE(action.answer->from_cache);
  EXPECT_EQ(life.told(), "enforce 1");
}

TEST(Lookup, R23ARememberedRecordIsEnoughEvenWhenARefreshIsDue) {
  Life life;
  life.start();
  life.record(found("1", hours{24}));
  life.fetched(policy_body("enforce", 86'400));
  life.pass(hours{23});
  EXPECT_EQ(next_of(life.start()), "finished") << "a remembered answer never needs the network";
  EXPECT_EQ(life.told(), "enforce 1");
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
  const auto remembered_for = [](seconds ttl, LookupRules rules, bool negative) {
    Life life(rules);
    life.start();
    life.record(negative ? absent(ttl) : found("1", ttl));
    return life.entry->record.until - life.now;
  };
  const LookupRules kOwn{.min_ttl = seconds{0}};
  for (const bool negative : {false, true}) {
    EXPECT_EQ(remembered_for(seconds{10}, {}, negative), seconds{60});
    EXPECT_EQ(remembered_for(seconds{0}, {}, negative), seconds{60});
    EXPECT_EQ(remembered_for(seconds{3600}, {}, negative), seconds{3600});
    EXPECT_EQ(remembered_for(seconds{2'147'483'647}, {}, negative), seconds{86'400});
    EXPECT_EQ(remembered_for(seconds::max(), {}, negative), seconds{86'400});
    EXPECT_EQ(remembered_for(seconds{10}, kOwn, negative), seconds{10});
    EXPECT_EQ(remembered_for(seconds{0}, kOwn, negative), seconds{0});
    EXPECT_EQ(remembered_for(seconds{-5}, kOwn, negative), seconds{0});
  }
}

TEST(Lookup, R23NegativeAnswersAreRemembered) {
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
      EXPECT_EQ(next_of(life.start()), "finished") << "remembered";
      EXPECT_EQ(life.told(), "enforce 1");
    }
  }
}

TEST(Lookup, R17FailuresAllTheWayLeaveThePolicyUntilItsExpiry) {
  Life life;
  life.adopt("1", policy_body("enforce", 86'400));
  const Time expires = life.entry->policy->expires();
  for (; life.now < expires; life.pass(minutes{17})) {
    if (next_of(life.start()) == "query" && next_of(life.record(found("2"))) == "fetch 2") life.fetch_fails();
    ASSERT_EQ(life.told(), "enforce 1");
  }
}

TEST(Lookup, R18AnotherIdIsFetchedBeforeTheAnswer) {
  Life life;
  life.adopt("1");
  life.pass(hours{1});
  life.start();
  EXPECT_EQ(next_of(life.record(found("2"))), "fetch 2");
  EXPECT_EQ(life.told(), "?");
  EXPECT_EQ(life.so_far().entry.policy_in_force(life.now)->id, "1") << "at the deadline the old one holds";
  life.fetched(policy_body("testing"));
  EXPECT_EQ(life.told(), "testing 2");
}

TEST(Lookup, R18WhenTheFetchFailsTheOldPolicyStays) {
  for (const ErrorCode code : {ErrorCode::kPolicyFetch, ErrorCode::kWebPkiInvalid}) {
    Life life;
    life.adopt("1");
    life.pass(hours{1});
    life.start();
    life.record(found("2"));
    const Action action = life.fetch_fails(code);
    EXPECT_EQ(next_of(action), "finished");
    EXPECT_EQ(life.told(), "enforce 1");
    EXPECT_EQ(action.save->failure, (FetchFailure{"2", 1, 1, life.now + seconds{300}, {code, "no such luck"}}));
  }
}

TEST(Lookup, R18AnInvalidPolicyIsAFailedFetch) {
  Life life;
  life.adopt("1");
  life.pass(hours{1});
  life.start();
  life.record(found("2"));
  life.fetched("<html>");
  EXPECT_EQ(life.told(), "enforce 1");
  EXPECT_EQ(life.entry->failure->error.code, ErrorCode::kPolicyInvalid);
  EXPECT_EQ(life.entry->policy->body, policy_body());
}

TEST(Lookup, R18AFetchRestartsTheAgeEvenIfTheTextIsTheSame) {
  Life life;
  life.adopt("1");
  life.pass(hours{48});
  life.start();
  life.record(found("2"));
  life.fetched(policy_body());
  EXPECT_EQ(life.entry->policy->fetched, life.now);
  EXPECT_EQ(life.entry->policy->id, "2");
}

TEST(Lookup, R19NoneReplacesEnforceAtOnce) {
  Life life;
  life.adopt("1");
  life.pass(hours{1});
  life.start();
  life.record(found("2"));
  life.fetched(policy_body("none", 86'400, ""));
  EXPECT_EQ(life.told(), "none 2");
}

TEST(Lookup, R16WithoutAnyPolicyTheAnswerIsThatThereIsNone) {
  Life life;
  life.start();
  life.record(found("1"));
  life.fetch_fails(ErrorCode::kWebPkiInvalid);
  EXPECT_EQ(life.told(), "-");
  EXPECT_EQ(life.answer->progress, Progress::kSettled);
  EXPECT_EQ(life.answer->entry.failure->error.code, ErrorCode::kWebPkiInvalid);
}

TEST(Lookup, R22AnExpiredPolicyIsFetchedAgainAndNotApplied) {
  Life life;
  life.adopt("1", policy_body("enforce", 3600));
  life.pass(seconds{3600});
  life.start();
  EXPECT_EQ(next_of(life.record(found("1"))), "fetch 1");
  EXPECT_EQ(life.so_far().entry.policy_in_force(life.now), nullptr);
  life.fetch_fails();
  EXPECT_EQ(life.told(), "-");
}

TEST(Lookup, R22APolicyThatExpiresWhileTheRecordIsRememberedIsFetchedAgain) {
  Life life;
  life.start();
  life.record(found("1", hours{2}));
  life.fetched(policy_body("enforce", 3600));
  life.pass(seconds{3600});
  EXPECT_EQ(next_of(life.start()), "fetch 1");
  life.fetched(policy_body("enforce", 3600));
  EXPECT_EQ(life.told(), "enforce 1");
}

TEST(Lookup, R22APolicyWithoutAnyLifeIsFetchedOnceASecondAtMost) {
  Life life;
  life.adopt("1", policy_body("enforce", 0));
  EXPECT_EQ(life.told(), "-");
  EXPECT_EQ(next_of(life.start()), "finished");
  EXPECT_EQ(life.told(), "-");
  life.pass(seconds{1});
  EXPECT_EQ(next_of(life.start()), "fetch 1");
}

TEST(Lookup, R22APolicyOfSecondsIsFetchedAgainAsSoonAsItHasExpired) {
  for (const int max_age : {1, 2, 30, 59}) {
    Life life;
    life.adopt("1", policy_body("enforce", max_age));
    EXPECT_EQ(life.told(), "enforce 1");
    life.pass(seconds{max_age - 1});
    EXPECT_EQ(next_of(life.start()), "finished") << max_age;
    EXPECT_EQ(life.told(), "enforce 1") << max_age;
    life.pass(seconds{1});
    EXPECT_EQ(next_of(life.start()), "fetch 1") << max_age;
    EXPECT_EQ(life.told(), "?") << "no answer without it";
    EXPECT_EQ(life.so_far().entry.policy_in_force(life.now), nullptr);
    life.fetched(policy_body("enforce", max_age));
    EXPECT_EQ(life.told(), "enforce 1") << max_age;
  }
}

TEST(Lookup, R22ARefreshFetchesWhatExpiredInThisSecond) {
  Life life;
  life.adopt("1", policy_body("enforce", 0));
  life.refresh();
  EXPECT_EQ(next_of(life.record(found("1"))), "fetch 1") << "whoever refreshes asks for it";
}

TEST(Lookup, R15BackOffGrowsToAnHour) {
  Life life;
  life.start();
  EXPECT_EQ(next_of(life.record(found("1", hours{24}))), "fetch 1");
  for (const int step : {300, 600, 1200, 2400, 3600, 3600, 3600}) {
    const seconds pause{step};
    life.fetch_fails();
    EXPECT_EQ(life.entry->failure->retry_at - life.now, pause);
    life.pass(pause - seconds{1});
    EXPECT_EQ(next_of(life.start()), "finished") << pause.count();
    EXPECT_EQ(life.told(), "-");
    life.pass(seconds{1});
    EXPECT_EQ(next_of(life.start()), "fetch 1") << pause.count();
  }
}

TEST(Lookup, R15BackOffHoldsAfterTheRecordWasAskedForAgain) {
  Life life;
  life.start();
  life.record(found("1", seconds{60}));
  life.fetch_fails();
  life.pass(seconds{60});
  EXPECT_EQ(next_of(life.start()), "query");
  EXPECT_EQ(next_of(life.record(found("1"))), "finished");
  EXPECT_EQ(life.refresh().answer, std::nullopt);
  EXPECT_EQ(next_of(life.record(found("1"))), "finished") << "a refresh keeps to it, too";
}

TEST(Lookup, R15TheFirstBackOffIsConfigured) {
  for (const seconds retry : {seconds{7}, seconds{900}, seconds{7200}}) {
    Life life({.retry = retry});
    life.start();
    life.record(found("1"));
    life.fetch_fails();
    EXPECT_EQ(life.entry->failure->retry_at - life.now, retry);
  }
}

TEST(Lookup, R15ANewIdIsTriedAtOnceAndCountsAnew) {
  Life life({.min_ttl = seconds{0}});
  life.start();
  life.record(found("1", seconds{0}));
  life.fetch_fails();
  life.pass(seconds{300});
  life.start();
  life.record(found("1", seconds{0}));
  life.fetch_fails();
  EXPECT_EQ(life.entry->failure->count, 2U);
  life.start();
  EXPECT_EQ(next_of(life.record(found("2", seconds{0}))), "fetch 2");
  life.fetch_fails();
  EXPECT_EQ(life.entry->failure->count, 1U);
  EXPECT_EQ(life.entry->failure->retry_at - life.now, seconds{300});
}

TEST(Lookup, R15AHostThatAlwaysChangesItsIdIsNotFetchedAllTheTime) {
  Life life({.min_ttl = seconds{0}});
  int fetches = 0;
  for (int second = 0; second < 86'400; ++second, life.pass(seconds{1})) {
    if (next_of(life.start()) != "query") continue;
    if (next_of(life.record(found("id" + std::to_string(second), seconds{0}))) == "finished") continue;
    ++fetches;
    life.fetch_fails();
  }
  // Five at once, then after 5, 10, 20 and 40 minutes, then hourly.
  EXPECT_EQ(fetches, 5 + 4 + 22);
}

// Ids that are new each time: five failures in a row, and the sixth id waits for the first back-off, the seventh for
// twice as long.
TEST(Lookup, R15TheFifthFailureInARowHoldsForNewIdsToo) {
  Life life({.min_ttl = seconds{0}});
  int id = 0;
  const auto next_id = [&] {
    life.start();
    return next_of(life.record(found("id" + std::to_string(id++), seconds{0})));
  };
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(next_id(), "fetch id" + std::to_string(i));
    life.fetch_fails();
    EXPECT_EQ(life.entry->failure->retry_at - life.now, seconds{300}) << i;
  }
  EXPECT_EQ(next_id(), "finished");
  life.pass(seconds{300});
  EXPECT_EQ(next_id(), "fetch id6");
  life.fetch_fails();
  EXPECT_EQ(life.entry->failure->retry_at - life.now, seconds{600});
}

TEST(Lookup, R15ASuccessEndsTheRow) {
  Life life({.min_ttl = seconds{0}});
  const auto one_more = [&life](const std::string& id) {
    life.start();
    return next_of(life.record(found(id, seconds{0})));
  };
  for (int i = 0; i < 4; ++i) {
    one_more("a" + std::to_string(i));
    life.fetch_fails();
  }
  one_more("good");
  life.fetched(policy_body());
  EXPECT_EQ(life.entry->failure, std::nullopt);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(one_more("b" + std::to_string(i)), "fetch b" + std::to_string(i));
    life.fetch_fails();
  }
  EXPECT_EQ(one_more("b5"), "finished");
}

TEST(Lookup, R15FailuresFarApartAreNoRow) {
  Life life;
  for (int day = 0; day < 20; ++day, life.pass(hours{24})) {
    life.start();
    EXPECT_EQ(next_of(life.record(found("id" + std::to_string(day)))), "fetch id" + std::to_string(day));
    life.fetch_fails();
    EXPECT_EQ(life.entry->failure->streak, 1U);
  }
}

TEST(Lookup, R21AnOldPolicyIsRefreshedBehindTheAnswer) {
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

TEST(Lookup, R21AFailingRefreshIsNotedAndBackedOff) {
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

TEST(Lookup, R21AShortLivedPolicyIsRefreshedBeforeItExpires) {
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

TEST(Lookup, R21ARefreshAsksAndFetchesWhateverIsRemembered) {
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

TEST(Lookup, R21APolicyInForceIsRefreshedWhateverTheRecordSays) {
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

TEST(Lookup, R17ADomainWhoseRecordIsDeniedForAYearKeepsItsPolicy) {
  for (const RecordResult& result : kNoRecord) {
    Life life;
    life.adopt("1", policy_body("enforce", 86'400));
    int fetches = 0;
    for (const Time end = life.now + hours{24 * 365}; life.now < end; life.pass(minutes{90})) {
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

TEST(Lookup, R21AnExplicitRefreshNeedsNoRecord) {
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

TEST(Lookup, R15BackOffHoldsWithoutTheRecordAndWhenItIsBack) {
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

TEST(Lookup, R18ARecordThatIsBackWithAnotherIdIsFetchedBeforeTheAnswer) {
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

TEST(Lookup, R19NoneReplacesEnforceAlsoWithoutARecord) {
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

TEST(Lookup, R22WithoutARecordNothingIsFetchedForAnExpiredPolicy) {
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

TEST(Lookup, WithoutARecordAFirstPolicyIsNotFetched) {
  for (const RecordResult& result : kNoRecord) {
    Life life;
    life.refresh();
    EXPECT_EQ(next_of(life.record(result)), "finished");
    EXPECT_EQ(life.told(), "-");
  }
}

// An answer of the attacker's, with a long life, must not keep the policy from being looked at until it has expired.
TEST(Lookup, R21ADenialIsBelievedUntilThePolicyIsDueAtTheLongest) {
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

// DNS gives neither the record nor an address: nothing was asked of the policy host, so nothing counts against it.
TEST(Lookup, R20AnOutageOfDnsIsNoFailureOfThePolicyHost) {
  Life life;
  life.adopt("1", policy_body("enforce", 86'400));
  life.pass(hours{23});
  for (; life.now < kNow + hours{24}; life.pass(minutes{1})) {
    life.start();
    EXPECT_EQ(next_of(life.record(kTimeout)), "fetch 1");
    life.fetched(tl::unexpected(kTimeout.error()));
    ASSERT_EQ(life.told(), "enforce 1");
    ASSERT_EQ(life.entry->failure->error.code, ErrorCode::kPolicyFetch) << "RFC 8460 §4.3";
    ASSERT_EQ(life.entry->failure->count, 0U);
    ASSERT_EQ(life.entry->failure->streak, 0U);
    ASSERT_EQ(life.entry->failure->retry_at, life.now + LookupRules{}.dns_retry);
  }
  life.start();
  EXPECT_EQ(next_of(life.record(found("1"))), "fetch 1") << "when DNS is back, nothing delays it";
}

TEST(Lookup, R15APolicyHostWithARecordAndNoAnswerAboutItsAddressesIsBackedOff) {
  Life life;
  life.start();
  life.record(found("1"));
  life.fetched(tl::unexpected(kTimeout.error()));
  EXPECT_EQ(life.entry->failure,
            (FetchFailure{"1", 1, 1, life.now + seconds{300}, {ErrorCode::kPolicyFetch, "no answer in 5 s"}}));
}

TEST(Lookup, AnOutageOfDnsLeavesTheRowOfFailuresAsItIs) {
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

TEST(Lookup, WhatWasNotTriedWithoutARecordIsToldAsSuch) {
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

TEST(Lookup, WhatIsRememberedOfAnotherDomainIsNotUsed) {
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

TEST(Lookup, R20WhatIsRememberedOutlivesARecordThatWasNotAskedFor) {
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
