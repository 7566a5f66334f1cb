// When a lookup fetches a policy, what it replaces, and how it backs off.
#include "core/lookup.h"

#include <gtest/gtest.h>

#include "tests/unit/core/lookup_script.h"

namespace mtasts {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using test::found;
using test::kNow;
using test::Life;
using test::next_of;
using test::policy_body;
using Progress = Outcome::Progress;

TEST(LookupFetch, R18AnotherIdIsFetchedBeforeTheAnswer) {
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

TEST(LookupFetch, R18WhenTheFetchFailsTheOldPolicyStays) {
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

TEST(LookupFetch, R18AnInvalidPolicyIsAFailedFetch) {
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

TEST(LookupFetch, R18AFetchRestartsTheAgeEvenIfTheTextIsTheSame) {
  Life life;
  life.adopt("1");
  life.pass(hours{48});
  life.start();
  life.record(found("2"));
  life.fetched(policy_body());
  EXPECT_EQ(life.entry->policy->fetched, life.now);
  EXPECT_EQ(life.entry->policy->id, "2");
}

TEST(LookupFetch, R19NoneReplacesEnforceAtOnce) {
  Life life;
  life.adopt("1");
  life.pass(hours{1});
  life.start();
  life.record(found("2"));
  life.fetched(policy_body("none", 86'400, ""));
  EXPECT_EQ(life.told(), "none 2");
}

TEST(LookupFetch, R16WithoutAnyPolicyTheAnswerIsThatThereIsNone) {
  Life life;
  life.start();
  life.record(found("1"));
  life.fetch_fails(ErrorCode::kWebPkiInvalid);
  EXPECT_EQ(life.told(), "-");
  EXPECT_EQ(life.answer->progress, Progress::kSettled);
  EXPECT_EQ(life.answer->entry.failure->error.code, ErrorCode::kWebPkiInvalid);
}

TEST(LookupFetch, R22AnExpiredPolicyIsFetchedAgainAndNotApplied) {
  Life life;
  life.adopt("1", policy_body("enforce", 3600));
  life.pass(seconds{3600});
  life.start();
  EXPECT_EQ(next_of(life.record(found("1"))), "fetch 1");
  EXPECT_EQ(life.so_far().entry.policy_in_force(life.now), nullptr);
  life.fetch_fails();
  EXPECT_EQ(life.told(), "-");
}

TEST(LookupFetch, R22APolicyThatExpiresWhileTheRecordIsCachedIsFetchedAgain) {
  Life life;
  life.start();
  life.record(found("1", hours{2}));
  life.fetched(policy_body("enforce", 3600));
  life.entry->record.until = kNow + hours{2};  // as it is in entries of versions up to 0.2
  life.pass(seconds{3600});
  EXPECT_EQ(next_of(life.start()), "fetch 1");
  life.fetched(policy_body("enforce", 3600));
  EXPECT_EQ(life.told(), "enforce 1");
}

TEST(LookupFetch, R22APolicyWithoutAnyLifeIsFetchedOnceASecondAtMost) {
  Life life;
  life.adopt("1", policy_body("enforce", 0));
  EXPECT_EQ(life.told(), "-");
  EXPECT_EQ(next_of(life.start()), "finished");
  EXPECT_EQ(life.told(), "-");
  life.pass(seconds{1});
  EXPECT_EQ(next_of(life.start()), "fetch 1");
}

TEST(LookupFetch, R22APolicyOfSecondsIsFetchedAgainAsSoonAsItHasExpired) {
  for (const int max_age : {1, 2, 30, 59}) {
    Life life;
    life.adopt("1", policy_body("enforce", max_age));
    EXPECT_EQ(life.told(), "enforce 1");
    life.pass(seconds{max_age});
    life.start();
    EXPECT_EQ(next_of(life.record(found("1"))), "fetch 1") << max_age;
    EXPECT_EQ(life.told(), "?") << "no answer without it";
    EXPECT_EQ(life.so_far().entry.policy_in_force(life.now), nullptr);
    life.fetched(policy_body("enforce", max_age));
    EXPECT_EQ(life.told(), "enforce 1") << max_age;
  }
}

TEST(LookupFetch, R22ARefreshFetchesWhatExpiredInThisSecond) {
  Life life;
  life.adopt("1", policy_body("enforce", 0));
  life.refresh();
  EXPECT_EQ(next_of(life.record(found("1"))), "fetch 1") << "whoever refreshes asks for it";
}

TEST(LookupFetch, R15BackOffGrowsToAnHour) {
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

TEST(LookupFetch, R15BackOffHoldsAfterTheRecordWasAskedForAgain) {
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

TEST(LookupFetch, R15TheFirstBackOffIsConfigured) {
  for (const seconds retry : {seconds{7}, seconds{900}, seconds{7200}}) {
    Life life({.retry = retry});
    life.start();
    life.record(found("1"));
    life.fetch_fails();
    EXPECT_EQ(life.entry->failure->retry_at - life.now, retry);
  }
}

TEST(LookupFetch, R15ANewIdIsTriedAtOnceAndCountsAnew) {
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

TEST(LookupFetch, R15AHostThatAlwaysChangesItsIdIsNotFetchedAllTheTime) {
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
TEST(LookupFetch, R15TheFifthFailureInARowHoldsForNewIdsToo) {
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

TEST(LookupFetch, R15ASuccessEndsTheRow) {
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

TEST(LookupFetch, R15FailuresFarApartAreNoRow) {
  Life life;
  for (int day = 0; day < 20; ++day, life.pass(hours{24})) {
    life.start();
    EXPECT_EQ(next_of(life.record(found("id" + std::to_string(day)))), "fetch id" + std::to_string(day));
    life.fetch_fails();
    EXPECT_EQ(life.entry->failure->streak, 1U);
  }
}

}  // namespace
}  // namespace mtasts
