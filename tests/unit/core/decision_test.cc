#include "core/decision.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/core/builders.h"

namespace mtasts {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using test::domain;
using test::kNow;
using test::policy_body;
using test::stored_policy;
using testing::ElementsAre;
using testing::HasSubstr;
using Kind = Decision::Kind;
using Progress = Outcome::Progress;
using State = RecordMemory::State;

const RecordMemory kFound{State::kFound, kNow + seconds{60}, "1", {}};
const RecordMemory kAbsent{State::kAbsent, kNow + seconds{60}, {}, {}};
const RecordMemory kInvalid{State::kInvalid, kNow + seconds{60}, {}, "the record has no id"};
const RecordMemory kFailed{State::kFailed, kNow + seconds{30}, {}, "dns-timeout: no answer from 127.0.0.1"};
const StoredPolicy kEnforce = stored_policy("1", kNow - hours{1}, policy_body("enforce", 604'800));
const StoredPolicy kTesting = stored_policy("1", kNow - hours{1}, policy_body("testing", 604'800));
const StoredPolicy kNone = stored_policy("1", kNow - hours{1}, policy_body("none", 604'800));
const StoredPolicy kExpired = stored_policy("1", kNow - hours{2}, policy_body("enforce", 3600));
const FetchFailure kDnsFailure{"1", 1, 1, kNow + seconds{300}, {ErrorCode::kDnsTimeout, "the addresses cannot be had"}};
const FetchFailure kFailure{"1", 1, 1, kNow + seconds{300}, {ErrorCode::kWebPkiInvalid, "no subjectAltName"}};

Outcome outcome(RecordMemory record, std::optional<StoredPolicy> policy, std::optional<FetchFailure> failure = {},
                Progress progress = Progress::kSettled) {
  return {{domain(), std::move(record), std::move(policy), std::move(failure)}, progress, true};
}

Outcome not_tried(RecordMemory record, std::optional<StoredPolicy> policy, std::optional<FetchFailure> failure = {},
                  ErrorCode code = ErrorCode::kNotTried) {
  Outcome given = outcome(std::move(record), std::move(policy), std::move(failure), Progress::kNotTried);
  given.fault = Error{code, "its policy could not be fetched from here: too many fetches are under way"};
  return given;
}

Decision decided(const Outcome& outcome, const DecisionRules& rules = {}) { return decide(outcome, rules, kNow); }

TEST(Decision, R26EnforceTellsAllThatAnMtaMustKnow) {
  Outcome given = outcome(kFound, kEnforce);
  given.from_cache = false;
  const Decision decision = decided(given);
  EXPECT_EQ(decision.kind, Kind::kPolicy);
  EXPECT_EQ(decision.mode, Mode::kEnforce);
  EXPECT_EQ(decision.domain, "example.com");
  EXPECT_THAT(decision.mx, ElementsAre("mx.example.com"));
  EXPECT_EQ(decision.id, "1");
  EXPECT_EQ(decision.fetched, kNow - hours{1});
  EXPECT_EQ(decision.expires, kNow - hours{1} + seconds{604'800});
  EXPECT_EQ(decision.max_age, seconds{604'800});
  EXPECT_EQ(decision.body, kEnforce.body);
  EXPECT_FALSE(decision.from_cache);
  EXPECT_EQ(decision.failure, std::nullopt);
  EXPECT_EQ(decision.reason, "the policy of example.com (id 1, mode enforce) is in force until 2025-12-01T15:00:00Z");
}

TEST(Decision, R27TestingIsAPolicy) {
  const Decision decision = decided(outcome(kFound, kTesting));
  EXPECT_EQ(decision.kind, Kind::kPolicy);
  EXPECT_EQ(decision.mode, Mode::kTesting);
}

TEST(Decision, R28ModeNoneLeavesTheMtaAlone) {
  const Decision decision = decided(outcome(kFound, kNone));
  EXPECT_EQ(decision.kind, Kind::kNoPolicy);
  EXPECT_EQ(decision.mode, Mode::kNone);
  EXPECT_EQ(decision.id, "1");
}

struct Case {
  const char* what;
  Outcome outcome;
  Kind kind;
  const char* reason;
  bool tells_failure = false;
};

TEST(Decision, FollowsTheTable) {
  const Case kCases[] = {
      {"R28 no record", outcome(kAbsent, {}), Kind::kNoPolicy, "has no MTA-STS record"},
      {"R5 a malformed record", outcome(kInvalid, {}), Kind::kNoPolicy, "is invalid: the record has no id"},
      {"R16 no fetchable policy", outcome(kFound, {}, kFailure), Kind::kNoPolicy, "sts-webpki-invalid: no subj", true},
      {"R16 and only an expired one", outcome(kFound, kExpired, kFailure), Kind::kNoPolicy, "sts-webpki-invalid", true},
      {"R16 ran out at once", outcome(kFound, kExpired), Kind::kNoPolicy, "expired at 2025-11-24T15:00:00Z"},
      {"R16 nothing fetched", outcome(kFound, {}), Kind::kNoPolicy, "no usable policy"},
      {"R16 its host's addresses could not be asked for", outcome(kFound, {}, kDnsFailure), Kind::kNoPolicy,
       "sts-policy-fetch-error: the addresses", true},
      {"R20 a failing resolver", outcome(kFailed, {}), Kind::kNoPolicy, "dns-timeout: no answer from 127.0.0.1"},
      {"R20 and an expired policy", outcome(kFailed, kExpired), Kind::kNoPolicy, "could not be asked for"},
      {"R22 expired, record gone", outcome(kAbsent, kExpired), Kind::kNoPolicy, "has no MTA-STS record"},
      {"a failure of a record that is gone", outcome(kAbsent, {}, kFailure), Kind::kNoPolicy, "has no MTA-STS record"},
      {"R17 cached, record gone", outcome(kAbsent, kEnforce), Kind::kPolicy, "in force"},
      {"R17 cached, record malformed", outcome(kInvalid, kEnforce), Kind::kPolicy, "in force"},
      {"R17 cached, resolver failing", outcome(kFailed, kEnforce), Kind::kPolicy, "in force"},
      {"R18 cached, fetch failing", outcome(kFound, kEnforce, kFailure), Kind::kPolicy, "fetching it again failed",
       true},
      {"R17 cached, record pending", outcome({}, kEnforce, {}, Progress::kRecordPending), Kind::kPolicy, "in force"},
      {"R18 cached, fetch pending", outcome(kFound, kEnforce, {}, Progress::kFetchPending), Kind::kPolicy, "in force"},
      {"fetch pending", outcome(kFound, {}, {}, Progress::kFetchPending), Kind::kDefer, "has not been fetched yet"},
      {"R22 fetch pending, expired", outcome(kFound, kExpired, {}, Progress::kFetchPending), Kind::kDefer,
       "has not been fetched"},
      {"an older failure, fetch pending", outcome(kFound, {}, kFailure, Progress::kFetchPending), Kind::kDefer,
       "has not been fetched"},
      {"fetch not tried", not_tried(kFound, {}), Kind::kDefer,
       "its policy could not be fetched from here: too many fetches are under way"},
      {"record not tried", not_tried({}, {}), Kind::kDefer, "from here: too many"},
      {"R22 record not tried, expired", not_tried(kAbsent, kExpired), Kind::kDefer, "from here: too many"},
      {"R17 cached, record not tried", not_tried({}, kEnforce), Kind::kPolicy, "in force"},
      {"a local fault", not_tried({}, {}, {}, ErrorCode::kLocalFault), Kind::kDefer, "from here"},
      {"R17 cached, a local fault", not_tried({}, kEnforce, {}, ErrorCode::kLocalFault), Kind::kPolicy, "in force"},
      {"an older failure, fetch not tried", not_tried(kFound, {}, kFailure), Kind::kDefer, "from here: too many"},
      {"R18 cached, fetch not tried", not_tried(kFound, kEnforce), Kind::kPolicy, "in force"},
      {"record pending", outcome({}, {}, {}, Progress::kRecordPending), Kind::kNoPolicy, "no answer in time"},
      {"R20 record pending, known before", outcome(kFound, {}, {}, Progress::kRecordPending), Kind::kNoPolicy,
       "in time"},
      {"nothing is known", outcome({}, {}), Kind::kNoPolicy, "nobody asked"},
  };
  for (const Case& c : kCases) {
    const Decision decision = decided(c.outcome);
    EXPECT_EQ(decision.kind, c.kind) << c.what;
    EXPECT_THAT(decision.reason, HasSubstr(c.reason)) << c.what;
    EXPECT_EQ(decision.failure.has_value(), c.tells_failure) << c.what;
    EXPECT_EQ(decision.mx.empty(), c.kind != Kind::kPolicy) << c.what;
    EXPECT_EQ(decision.mode, c.kind == Kind::kPolicy ? Mode::kEnforce : Mode::kNone) << c.what;
  }
}

TEST(Decision, WhatIsUnknownFollowsTheConfiguration) {
  const DecisionRules kTurned{WhenUnknown::kNoPolicy, WhenUnknown::kDefer, {}};
  EXPECT_EQ(decided(outcome(kFound, {}, {}, Progress::kFetchPending), kTurned).kind, Kind::kNoPolicy);
  EXPECT_EQ(decided(not_tried(kFound, {}), kTurned).kind, Kind::kNoPolicy);
  EXPECT_EQ(decided(outcome({}, {}, {}, Progress::kRecordPending), kTurned).kind, Kind::kDefer);
  EXPECT_EQ(decided(outcome(kFailed, {}), kTurned).kind, Kind::kDefer);
  EXPECT_EQ(decided(outcome({}, {}), kTurned).kind, Kind::kDefer);
  // What is known does not.
  EXPECT_EQ(decided(outcome(kAbsent, {}), kTurned).kind, Kind::kNoPolicy);
  EXPECT_EQ(decided(outcome(kFound, {}, kFailure), kTurned).kind, Kind::kNoPolicy);
  EXPECT_EQ(decided(outcome(kFound, {}, kDnsFailure), kTurned).kind, Kind::kNoPolicy);
  EXPECT_EQ(decided(outcome(kFailed, kEnforce), kTurned).kind, Kind::kPolicy);
}

TEST(Decision, ALocalFaultIsNeverNoPolicyWhateverIsConfigured) {
  const DecisionRules kCareless{WhenUnknown::kNoPolicy, WhenUnknown::kNoPolicy, {}};
  for (const auto code : {ErrorCode::kLocalFault, ErrorCode::kInternal}) {
    EXPECT_EQ(decided(not_tried({}, {}, {}, code), kCareless).kind, Kind::kDefer);
    EXPECT_EQ(decided(not_tried(kFound, kExpired, {}, code), kCareless).kind, Kind::kDefer);
    EXPECT_EQ(decided(not_tried({}, kEnforce, {}, code), kCareless).kind, Kind::kPolicy) << "R17";
  }
}

TEST(Decision, SaysWhetherItIsAnAnswerOrOnlyWhatIsDoneUntilThereIsOne) {
  for (const Outcome& unknown :
       {outcome(kFailed, {}), outcome({}, {}), outcome({}, {}, {}, Progress::kRecordPending), not_tried({}, {}),
        outcome(kFound, {}, kDnsFailure), outcome(kFound, kExpired, kDnsFailure),
        outcome(kFound, {}, {}, Progress::kFetchPending), outcome({}, {}, {}, Progress::kNotAsked)})
    EXPECT_TRUE(decided(unknown).temporary) << decided(unknown).reason;
  for (const Outcome& known : {outcome(kAbsent, {}), outcome(kInvalid, {}), outcome(kFound, {}, kFailure),
                               outcome(kFailed, kEnforce), outcome(kFound, kNone), not_tried({}, kEnforce),
                               outcome(kFound, kEnforce, kDnsFailure), outcome(kAbsent, {}, kDnsFailure)})
    EXPECT_FALSE(decided(known).temporary) << decided(known).reason;
}

TEST(Decision, R22ExpiryIsJudgedWhenTheDecisionIsMade) {
  const Outcome given = outcome(kFound, kEnforce);
  EXPECT_EQ(decide(given, {}, kEnforce.expires() - seconds{1}).kind, Kind::kPolicy);
  EXPECT_EQ(decide(given, {}, kEnforce.expires()).kind, Kind::kNoPolicy);
}

TEST(Decision, AnOverrideOfNoneExempts) {
  const DecisionRules rules{{}, {}, {{domain("example.com"), Mode::kNone}}};
  const Decision decision = decided(outcome(kFound, kEnforce), rules);
  EXPECT_EQ(decision.kind, Kind::kNoPolicy);
  EXPECT_THAT(decision.reason, HasSubstr("exempt"));
  const DecisionRules defers{WhenUnknown::kDefer, WhenUnknown::kDefer, rules.overrides};
  EXPECT_EQ(decided(outcome(kFailed, {}), defers).kind, Kind::kNoPolicy);
}

TEST(Decision, AnOverrideChangesTheModeOfAPolicyInForce) {
  const DecisionRules enforced{{}, {}, {{domain("example.com"), Mode::kEnforce}}};
  const DecisionRules watched{{}, {}, {{domain("example.com"), Mode::kTesting}}};
  EXPECT_EQ(decided(outcome(kFound, kTesting), enforced).mode, Mode::kEnforce);
  EXPECT_THAT(decided(outcome(kFound, kTesting), enforced).reason,
              HasSubstr("override of example.com makes it enforce"));
  EXPECT_EQ(decided(outcome(kFound, kEnforce), watched).mode, Mode::kTesting);
  EXPECT_EQ(decided(outcome(kFound, kEnforce), enforced).mode, Mode::kEnforce);
  EXPECT_EQ(decided(outcome(kFound, kNone), enforced).kind, Kind::kNoPolicy);
}

TEST(Decision, AnOverrideMakesNoPolicyWhereThereIsNone) {
  const DecisionRules rules{{}, {}, {{domain("example.com"), Mode::kEnforce}}};
  EXPECT_EQ(decided(outcome(kAbsent, {}), rules).kind, Kind::kNoPolicy);
  EXPECT_EQ(decided(outcome(kFound, kExpired, kFailure), rules).kind, Kind::kNoPolicy);
}

TEST(Decision, TheLongestSuffixWins) {
  Outcome given = outcome(kFound, kEnforce);
  given.entry.domain = domain("a.b.example.com");
  const Override top{domain("example.com"), Mode::kNone};
  const Override below{domain("b.example.com"), Mode::kTesting};
  const Override elsewhere{domain("x.a.b.example.com"), Mode::kNone};
  EXPECT_EQ(decided(given, {{}, {}, {top, below, elsewhere}}).mode, Mode::kTesting);
  EXPECT_EQ(decided(given, {{}, {}, {below, top}}).mode, Mode::kTesting);
  EXPECT_EQ(decided(given, {{}, {}, {top}}).kind, Kind::kNoPolicy);
  EXPECT_EQ(decided(given, {{}, {}, {elsewhere}}).mode, Mode::kEnforce);
}

TEST(Decision, R2ANextHopWithoutPolicyDomainHasNoPolicy) {
  const Decision decision = no_policy("192.0.2.1 is an address");
  EXPECT_EQ(decision.kind, Kind::kNoPolicy);
  EXPECT_EQ(decision.domain, "");
  EXPECT_EQ(decision.reason, "192.0.2.1 is an address");
}

TEST(Decision, WhoWaitedForAnotherProcessInVainDoesNotTakeItForNoAnswerOfDns) {
  EXPECT_EQ(decided(outcome({}, {}, {}, Progress::kNotAsked)).kind, Kind::kDefer);
  EXPECT_EQ(decided(outcome({}, kEnforce, {}, Progress::kNotAsked)).kind, Kind::kPolicy) << "R17";
}

// What DANE has to say, where it was asked.
class DecisionDane : public testing::Test {
 protected:
  static Decision decided(const StoredPolicy& policy, std::optional<DaneMemory> dane,
                          Progress progress = Progress::kSettled) {
    Outcome given = outcome(kFound, policy, {}, progress);
    given.entry.dane = std::move(dane);
    DecisionRules rules;
    rules.ask_dane = true;
    return decide(given, rules, kNow);
  }
  static DaneMemory memory(DaneState state) { return {state, kNow + seconds{60}, "for the reason that..."}; }
};

TEST_F(DecisionDane, R29IsToldWithThePolicy) {
  for (const DaneState state : {DaneState::kNone, DaneState::kUsable, DaneState::kPartly}) {
    const Decision decision = decided(kEnforce, memory(state));
    EXPECT_EQ(decision.kind, Kind::kPolicy);
    EXPECT_EQ(decision.dane, state);
    EXPECT_EQ(decision.dane_reason, "for the reason that...");
  }
}

TEST_F(DecisionDane, R29WhatCannotBeFoundOutNeverLeadsToAWeakerAnswer) {
  const Decision decision = decided(kEnforce, memory(DaneState::kFailed));
  EXPECT_TRUE(must_defer_for_dane(decision));
  EXPECT_EQ(decision.dane_reason, "for the reason that...");
  EXPECT_FALSE(must_defer_for_dane(decided(kEnforce, memory(DaneState::kPartly))));
}

TEST_F(DecisionDane, R29EnforceWaitsForTheAnswer) {
  EXPECT_TRUE(must_defer_for_dane(decided(kEnforce, std::nullopt, Progress::kDanePending)));
  DaneMemory old = memory(DaneState::kUsable);
  old.until = kNow;
  EXPECT_TRUE(must_defer_for_dane(decided(kEnforce, old, Progress::kDanePending)));
}

TEST_F(DecisionDane, R27TestingWaitsForNothing) {
  EXPECT_FALSE(must_defer_for_dane(decided(kTesting, memory(DaneState::kFailed))));
  EXPECT_FALSE(must_defer_for_dane(decided(kTesting, std::nullopt, Progress::kDanePending)));
}

TEST_F(DecisionDane, CountsForNothingWhereItWasNotAsked) {
  Outcome given = outcome(kFound, kEnforce);
  given.entry.dane = memory(DaneState::kFailed);
  const Decision decision = decide(given, DecisionRules{}, kNow);
  EXPECT_FALSE(must_defer_for_dane(decision));
  EXPECT_EQ(decision.dane, std::nullopt);
}

TEST(OnlyObserved, WhatWouldBeEnforcedIsWatchedAsAPolicyInTestingIs) {
  const Decision decision = only_observed(decide(outcome(kFound, kEnforce), {}, kNow));
  EXPECT_EQ(decision.kind, Kind::kPolicy);
  EXPECT_EQ(decision.mode, Mode::kTesting);
  EXPECT_TRUE(decision.observed);
  EXPECT_THAT(decision.mx, ElementsAre("mx.example.com"));
}

TEST(OnlyObserved, AnOverrideToEnforceIsObservedToo) {
  DecisionRules rules;
  rules.overrides = {{domain(), Mode::kEnforce}};
  EXPECT_TRUE(only_observed(decide(outcome(kFound, kTesting), rules, kNow)).observed);
}

TEST(OnlyObserved, MailThatWouldWaitGoesOutAsWithoutAPolicy) {
  const Decision waiting = decide(outcome(kFound, std::nullopt, {}, Progress::kFetchPending), {}, kNow);
  ASSERT_EQ(waiting.kind, Kind::kDefer);
  EXPECT_EQ(only_observed(waiting).kind, Kind::kNoPolicy);
  EXPECT_TRUE(only_observed(waiting).observed);
  EXPECT_EQ(only_observed(waiting).reason, waiting.reason);
}

TEST(OnlyObserved, R29NobodyDefersForDane) {
  DecisionRules rules;
  rules.ask_dane = true;
  const Decision decision = decide(outcome(kFound, kEnforce), rules, kNow);
  ASSERT_TRUE(must_defer_for_dane(decision));
  EXPECT_FALSE(must_defer_for_dane(only_observed(decision)));
}

TEST(OnlyObserved, NothingElseIsTouched) {
  for (const auto& policy : {std::optional(kTesting), std::optional(kNone), std::optional<StoredPolicy>()}) {
    const Decision decision = decide(outcome(kFound, policy), {}, kNow);
    const Decision observed = only_observed(decision);
    EXPECT_FALSE(observed.observed);
    EXPECT_EQ(observed.kind, decision.kind);
    EXPECT_EQ(observed.mode, decision.mode);
  }
}

}  // namespace
}  // namespace mtasts
