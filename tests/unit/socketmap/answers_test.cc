// Answers from memory, from a real store, and by lookups whose network is scripted.
#include "module/server/answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "adapters/socketmap/protocol.h"
#include "adapters/socketmap/reply.h"
#include "module/client.h"
#include "module/engine/engine.h"
#include "module/io/wall_clock.h"
#include "module/store/files.h"
#include "tests/unit/core/builders.h"
#include "tests/unit/module/fakes.h"
#include "tests/unit/module/scratch.h"

namespace mtasts::socketmap {
namespace {

using server::Answers;
using server::Metrics;
using server::Question;
using std::chrono::hours;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::StartsWith;
using State = RecordMemory::State;

class Answering : public testing::Test {
 protected:
  Answering() { config_.deadline = seconds(20); }

  // As a request goes: at once, or after a lookup; "" while that goes on.
  std::string ask(const std::string& request) {
    const auto found = answers_.find(request, {"uid 0"});
    if (found.frame != nullptr) return *found.frame;
    auto given = std::make_shared<std::string>();
    answers_.ask(*found.question, std::chrono::steady_clock::now(), seconds(20),
                 [given](const std::string& frame) { *given = frame; });
    last_ = given;
    loop_.advance(seconds(0));
    return *given;
  }
  void cache(const CacheEntry& entry) { ASSERT_TRUE(store_.put(entry)); }
  [[nodiscard]] CacheEntry enforced(seconds record_good_for = seconds(300)) const {
    return {test::domain(),
            {State::kFound, now_ + record_good_for, "1", {}},
            test::stored_policy("1", now_ - hours(1)),
            std::nullopt};
  }

  Scratch scratch_;
  Config config_;
  WallTime now_ = mtasts::now();
  FakeLoop loop_;
  FakeResolver resolver_;
  FakeFetcher fetcher_;
  FakeLog log_;
  Metrics metrics_;
  FileStore store_{scratch_.path(), log_};
  Engine engine_{loop_, resolver_, fetcher_, store_, log_, config_.lookup, [this] { return now_; }};
  SocketmapProtocol protocol_;
  Answers answers_{{protocol_, &engine_, store_, log_, metrics_, [this] { return now_; }}, config_};
  std::shared_ptr<std::string> last_;
};

const Question kQuestion{"postfix example.com", static_cast<std::size_t>(Map::kPostfix), test::domain()};
const std::string kSecure = "50:OK secure match=mx.example.com servername=hostname,";

TEST_F(Answering, WhatTheStoreHasIsAnsweredAtOnceAndThenFromMemory) {
  cache(enforced());
  EXPECT_EQ(ask("postfix example.com"), kSecure);
  EXPECT_EQ(ask("postfix example.com"), kSecure);
  EXPECT_THAT(metrics_.text(), HasSubstr("mtasts_cache_hits_total{from=\"memory\"} 1\n"));
  EXPECT_THAT(metrics_.text(), HasSubstr("mtasts_cache_hits_total{from=\"store\"} 1\n"));
  EXPECT_TRUE(resolver_.txts.empty());
}

TEST_F(Answering, R1R2KeysComeInManyForms) {
  cache(enforced());
  for (const char* key : {"Example.COM", "example.com:25", "[example.com]", "[example.com]:25", "example.com."})
    EXPECT_EQ(ask("postfix " + std::string(key)), kSecure) << key;
}

TEST_F(Answering, R2WhatCanHaveNoPolicyCostsNoLookup) {
  for (const char* key :
       {".example.com", ".com", "[192.0.2.1]", "192.0.2.1", "[IPv6:2001:db8::1]", "localhost", "", "a b", "\xff"})
    EXPECT_EQ(ask("postfix " + std::string(key)), "9:NOTFOUND ,") << key;
  EXPECT_TRUE(resolver_.txts.empty());
}

TEST_F(Answering, ARequestWithoutAKeyIsRefused) { EXPECT_THAT(ask("postfix"), HasSubstr("PERM ")); }

TEST_F(Answering, TellsAPingWhoItIs) {
  EXPECT_THAT(ask("mtasts-ping version"), HasSubstr("OK mtasts " MTASTS_VERSION));
  EXPECT_EQ(ask("mtasts-ping localhost"), "9:NOTFOUND ,") << "any other key is that of an unknown map";
  EXPECT_THAT(metrics_.text(), HasSubstr("{map=\"postfix\",answer=\"notfound\"} 1\n"));
}

TEST_F(Answering, AColdDomainIsLookedUpAndCached) {
  EXPECT_EQ(ask("postfix example.com"), "");
  resolver_.txts.at(0).second(FakeResolver::found({"v=spf1 -all"}));
  EXPECT_EQ(*last_, "9:NOTFOUND ,");
  EXPECT_EQ(ask("postfix example.com"), "9:NOTFOUND ,");
  EXPECT_EQ(resolver_.txts.size(), 1U);
  EXPECT_THAT(metrics_.text(), HasSubstr("mtasts_lookups_total{result=\"no-record\"} 1\n"));
}

TEST_F(Answering, AtTheDeadlineMailWaitsForAPolicyThatIsBeingFetched) {
  EXPECT_EQ(ask("postfix example.com"), "");
  resolver_.txts.at(0).second(FakeResolver::found({"v=STSv1; id=1"}));
  loop_.advance(seconds(21));
  EXPECT_THAT(*last_, HasSubstr("TEMP "));
  EXPECT_THAT(metrics_.text(), HasSubstr("mtasts_lookups_total{result=\"deadline\"} 1\n"));
}

// Begun when most of its time was over, it has not given the resolver the time to answer: no failure of DNS, but want
// of room here.
TEST_F(Answering, ALookupThatBeganLateIsNoFailureOfDns) {
  config_.decision.on_dns_failure = WhenUnknown::kNoPolicy;
  const auto answer_of_one_begun_after = [this](seconds waited) {
    auto given = std::make_shared<std::string>();
    answers_.ask(kQuestion, std::chrono::steady_clock::now() - waited, seconds(20),
                 [given](const std::string& frame) { *given = frame; });
    loop_.advance(seconds(20));
    return *given;
  };
  EXPECT_EQ(answer_of_one_begun_after(seconds(0)), "9:NOTFOUND ,") << "the resolver had its time";
  EXPECT_THAT(answer_of_one_begun_after(seconds(19)), HasSubstr(":TEMP "));
  config_.decision.on_deadline = WhenUnknown::kNoPolicy;
  EXPECT_EQ(answer_of_one_begun_after(seconds(19)), "9:NOTFOUND ,");
}

TEST_F(Answering, WhatAnotherProcessWritesCountsWithinSeconds) {
  cache(enforced());
  EXPECT_EQ(ask("postfix example.com"), kSecure);
  ASSERT_EQ(store_.remove(test::domain()), FileStore::Removal::kRemoved);
  // The memory of seconds is by the steady clock: what it lasts is a matter of Memory's own tests.
  EXPECT_EQ(ask("postfix example.com"), kSecure);
  EXPECT_EQ(ask("postfix EXAMPLE.com"), "");
}

TEST_F(Answering, R22AnAnswerIsNotRepeatedBeyondThePolicysEnd) {
  CacheEntry entry = enforced();
  entry.policy = test::stored_policy("1", now_ - seconds(9), test::policy_body("enforce", 10));
  cache(entry);
  EXPECT_EQ(ask("postfix example.com"), kSecure);
  now_ += seconds(1);
  EXPECT_EQ(ask("postfix example.com"), "") << "neither repeated nor taken for no policy: it is fetched again";
  resolver_.hosts.at(0).second(FakeResolver::found({"192.0.2.1"}));
  fetcher_.fetches.at(0).done(test::policy_body("enforce", 10));
  EXPECT_EQ(*last_, kSecure);
}

TEST_F(Answering, R23AnAnswerIsNotRepeatedWhenItsRecordMayNotBe) {
  EXPECT_EQ(ask("postfix example.com"), "");
  config_.lookup.min_ttl = seconds(0);
  resolver_.txts.at(0).second(FakeResolver::found({}));
  now_ += seconds(301);
  EXPECT_EQ(ask("sts example.com"), "");
}

TEST_F(Answering, R17WithoutALookupAPolicyInForceIsAppliedAndTheRestIsDeferred) {
  CacheEntry entry = enforced();
  entry.record.until = now_ - seconds(1);
  cache(entry);
  EXPECT_EQ(answers_.find("postfix example.com", {"uid 0"}).frame, nullptr);
  EXPECT_EQ(answers_.without_lookup(kQuestion, "full"), kSecure);
  ASSERT_TRUE(store_.remove(test::domain()));  // what has no policy does not replace one
  entry.policy.reset();
  cache(entry);
  EXPECT_EQ(answers_.without_lookup(kQuestion, "full"), "9:TEMP full,");
  EXPECT_TRUE(resolver_.txts.empty());
}

// What was found out last counts on for a day, and is not told for longer than a minute.
TEST_F(Answering, R29WithoutALookupTheLastFindingAboutDaneCounts) {
  config_.lookup.ask_dane = config_.decision.ask_dane = true;
  CacheEntry entry = enforced();
  entry.dane = DaneMemory{DaneState::kNone, now_ - hours(23), "no TLSA records"};
  cache(entry);
  EXPECT_EQ(answers_.find("postfix example.com", {"uid 0"}).frame, nullptr);
  EXPECT_EQ(answers_.without_lookup(kQuestion, "full"), kSecure);
  now_ += hours(1);
  EXPECT_THAT(answers_.without_lookup(kQuestion, "full"), HasSubstr("TEMP "));
}

TEST_F(Answering, R20ARecordThatWasAbsentOnceIsNoAnswerWithoutALookup) {
  config_.decision.on_deadline = config_.decision.on_dns_failure = WhenUnknown::kNoPolicy;
  cache({test::domain(), {State::kAbsent, now_ - seconds(1), "", {}}, std::nullopt, std::nullopt});
  EXPECT_EQ(answers_.without_lookup(kQuestion, "full"), "9:TEMP full,");
}

// Its policy is not looked at.
TEST_F(Answering, AnExemptDomainIsNotDeferredForAnEntryThatCannotBeRead) {
  std::ofstream(scratch_.path() + "/" + shard_of("example.com")) << "no directory";
  EXPECT_THAT(ask("postfix example.com"), HasSubstr("TEMP "));
  config_.decision.overrides.push_back({test::domain(), Mode::kNone});
  EXPECT_EQ(ask("postfix example.com"), "9:NOTFOUND ,");
}

TEST_F(Answering, EveryMapHasItsOwnAnswer) {
  cache(enforced());
  EXPECT_EQ(ask("postfix example.com"), kSecure);
  EXPECT_THAT(ask("postfix-tlsrpt example.com"), HasSubstr("policy_type=sts"));
  EXPECT_EQ(ask("sts example.com"), kSecure);
}

TEST_F(Answering, AnAnswerToTryAgainIsLoggedWithWhoAsked) {
  EXPECT_EQ(ask("sts example.com"), "");
  resolver_.txts.at(0).second(FakeResolver::found({"v=STSv1; id=1"}));
  loop_.advance(seconds(21));
  EXPECT_THAT(log_.lines, testing::Contains(testing::AllOf(
                              StartsWith("info event=deferred domain=example.com server=sendmail reason=\""),
                              HasSubstr("effect=\"the mail waits\""))));
}

TEST_F(Answering, R29TheLogSaysWhereDaneDecides) {
  CacheEntry entry = enforced();
  const auto lines_of = [&](DaneState state, const std::string& request) {
    entry.dane = DaneMemory{state, now_ + seconds(300), "DANE applies to mx.example.com"};
    EXPECT_TRUE(store_.put(entry));
    log_.lines.clear();
    ask(request);
    ask(request);
    return log_.lines;
  };
  config_.decision.ask_dane = config_.lookup.ask_dane = true;
  const auto line = testing::ElementsAre(
      "info event=dane-decides domain=example.com server=postfix by=dane detail=\"DANE applies to mx.example.com\"");
  EXPECT_THAT(lines_of(DaneState::kPartly, "postfix example.com"), line) << "what is repeated from memory is not told";
  EXPECT_THAT(lines_of(DaneState::kUsable, "postfix-tlsrpt example.com"), line);
  protocol_.set_dane_answer(DaneAnswer::kNotFound);
  EXPECT_THAT(lines_of(DaneState::kUsable, "postfix Example.com"), line);
  EXPECT_THAT(lines_of(DaneState::kUsable, "sts example.com"), testing::IsEmpty()) << "Sendmail decides by itself";
  EXPECT_THAT(lines_of(DaneState::kNone, "postfix EXAMPLE.com"), testing::IsEmpty());
}

class ObservingAnswers : public Answering {
 protected:
  std::vector<std::string> watched_;
  Answers observing_{{.protocol = protocol_,
                      .lookups = &engine_,
                      .store = store_,
                      .log = log_,
                      .metrics = metrics_,
                      .clock = [this] { return now_; },
                      .observe = true,
                      .would_enforce =
                          [this](const Question& question, const Decision& decision) {
                            watched_.push_back(question.payload + " " + std::string(mode_name(decision.mode)));
                          }},
                     config_};
};

TEST_F(ObservingAnswers, NothingIsEnforcedAndEachRequestIsTold) {
  cache(enforced());
  for (int i = 0; i < 2; ++i) EXPECT_EQ(*observing_.find("postfix example.com", {"uid 0"}).frame, "9:NOTFOUND ,");
  EXPECT_EQ(*observing_.find("sts example.com", {"uid 0"}).frame, "9:NOTFOUND ,");
  EXPECT_THAT(watched_, testing::ElementsAre("postfix example.com enforce", "postfix example.com enforce",
                                             "sts example.com enforce"));
}

TEST_F(ObservingAnswers, WhatIsNotEnforcedAnywayIsNotTold) {
  CacheEntry entry = enforced();
  entry.policy = test::stored_policy("1", now_ - hours(1), test::policy_body("testing", 604'800));
  cache(entry);
  EXPECT_EQ(*observing_.find("postfix example.com", {"uid 0"}).frame, "9:NOTFOUND ,");
  EXPECT_THAT(watched_, testing::IsEmpty());
  EXPECT_THAT(log_.lines, testing::IsEmpty());
}

TEST_F(ObservingAnswers, MailThatWouldWaitDoesNot) {
  EXPECT_EQ(observing_.without_lookup(kQuestion, "full"), "9:NOTFOUND ,");
  EXPECT_THAT(log_.lines,
              testing::ElementsAre(
                  HasSubstr("event=observed-defer domain=example.com server=postfix reason=\"full\" effect=\"none: ")));
  EXPECT_THAT(watched_, testing::IsEmpty());
}

TEST_F(ObservingAnswers, R29NorForDane) {
  config_.decision.ask_dane = true;
  cache(enforced());
  EXPECT_EQ(*observing_.find("postfix example.com", {"uid 0"}).frame, "9:NOTFOUND ,");
  EXPECT_THAT(log_.lines, testing::ElementsAre(HasSubstr("event=observed-defer domain=example.com server=postfix "
                                                         "reason=\"whether DANE judges the MX hosts")));
}

}  // namespace
}  // namespace mtasts::socketmap
