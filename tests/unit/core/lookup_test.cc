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
      EXPECT_EQ(next_of(life.record(result)), "finished");
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

TEST(Lookup, R22APolicyWithoutAnyLifeIsNotFetchedAllTheTime) {
  Life life;
  life.adopt("1", policy_body("enforce", 0));
  EXPECT_EQ(life.told(), "-");
  life.pass(seconds{59});
  EXPECT_EQ(next_of(life.start()), "finished");
  life.pass(seconds{1});
  EXPECT_EQ(next_of(life.start()), "fetch 1");
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

TEST(Lookup, R21ARefreshWithoutARecordKeepsThePolicy) {
  const RecordResult kAnswers[] = {absent(), malformed(), kServfail};
  for (const RecordResult& result : kAnswers) {
    Life life;
    life.adopt("1");
    life.refresh();
    EXPECT_EQ(next_of(life.record(result)), "finished");
    EXPECT_EQ(life.told(), "enforce 1");
  }
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
