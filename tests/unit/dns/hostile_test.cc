// The resolver against one that means harm (tests/lab/hostile_dns.py): what comes of it, in how much time and memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/unit/cost.h"
#include "tests/unit/dns/asking.h"
#include "tests/unit/lab.h"

namespace mtasts {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::Asking;
using test::asking_at;
using test::Cost;
using test::lab;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using Texts = DnsAnswer<std::string>;

constexpr char kGood[] = "v=STSv1; id=1;";
constexpr milliseconds kAtOnce{1000};  // of a busy machine; the timeout is longer
constexpr long kLittle = 16;           // MiB

ResolverConfig hostile_resolver(seconds timeout = seconds{2}) {
  auto config = asking_at({lab("HOSTILE_RESOLVER")});
  config.timeout = timeout;
  return config;
}

std::string named(const std::string& behaviour) { return behaviour + ".x.hostile.test"; }

Result<Texts> txt(const std::string& behaviour) { return Asking(hostile_resolver()).txt(named(behaviour)); }

void expect_good(const Result<Texts>& answer) {
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_THAT(answer->records, ElementsAre(kGood));
}

template <typename Record>
void expect_failure(const Result<DnsAnswer<Record>>& answer, const char* says) {
  ASSERT_FALSE(answer) << says;
  EXPECT_EQ(answer.error().code, ErrorCode::kDnsFailure) << answer.error().detail;
  EXPECT_THAT(answer.error().detail, HasSubstr(says));
}

// Each type of question fails with these words, soon, and takes no memory to speak of.
void expect_failure_of_every_type(const std::string& behaviour, const char* says) {
  SCOPED_TRACE(behaviour);
  const Cost cost;
  Asking asking(hostile_resolver());
  expect_failure(asking.txt(named(behaviour)), says);
  expect_failure(asking.mx(named(behaviour)), says);
  expect_failure(asking.addresses(named(behaviour)), says);
  expect_failure(asking.tlsa(named(behaviour)), says);
  cost.expect_within(kAtOnce, kLittle);
}

// No certain answer comes, and the question ends when it must.
void expect_timeout(const std::string& behaviour) {
  SCOPED_TRACE(behaviour);
  const Cost cost;
  const auto answer = Asking(hostile_resolver(seconds{1})).txt(named(behaviour));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kDnsTimeout) << answer.error().detail;
  cost.expect_within(milliseconds{2500}, kLittle);
}

TEST(HostileResolver, AnswersOfAnotherIdAreNoAnswers) { expect_timeout("wrongid"); }

TEST(HostileResolver, ForgedIdsDoNotKeepTheRightAnswerAway) { expect_good(txt("wrongidfirst")); }

TEST(HostileResolver, AnswersToAnotherQuestionAreRefused) {
  expect_failure_of_every_type("foreign", "another question");
}

TEST(HostileResolver, AnswersThatNobodyAskedForAreIgnored) { expect_good(txt("pipelined")); }

TEST(HostileResolver, SecondAnswersAreIgnored) {
  Asking asking(hostile_resolver());
  expect_good(asking.txt(named("duplicate")));
  expect_good(asking.txt(named("good")));
  expect_good(asking.txt(named("duplicate")));
}

// Asks for all names at the same time, each for the sake of another domain.
std::vector<Result<Texts>> txts(Asking& asking, const std::vector<std::string>& names) {
  std::vector<Result<Texts>> answers(names.size(), Texts{});
  std::size_t open = names.size();
  for (std::size_t i = 0; i < names.size(); ++i)
    asking.resolver().txt(names[i],
                          [&, i](auto answer) {
                            answers[i] = std::move(answer);
                            if (--open == 0) asking.loop().stop();
                          },
                          {"asker" + std::to_string(i) + ".test", Priority::kFirstContact});
  asking.loop().run();
  return answers;
}

TEST(HostileResolver, SwappedAnswersAreRefused) {
  Asking asking(hostile_resolver());
  for (const auto& answer : txts(asking, {"swapped.a.hostile.test", "swapped.b.hostile.test"}))
    expect_failure(answer, "another question");
}

TEST(HostileResolver, AnswersInAnyOrderFindTheirQuestions) {
  Asking asking(hostile_resolver());
  std::vector<std::string> names;
  for (int i = 0; i < 10; ++i) names.push_back("backwards.number" + std::to_string(i) + ".hostile.test");
  const auto answers = txts(asking, names);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    ASSERT_TRUE(answers[i]) << answers[i].error().detail;
    EXPECT_THAT(answers[i]->records, ElementsAre("number" + std::to_string(i)));
  }
}

TEST(HostileResolver, TruncatedAnswersAreRefused) { expect_failure_of_every_type("truncated", "truncated"); }

TEST(HostileResolver, AGiantRecordIsReadWhole) {
  const Cost cost;
  const auto answer = txt("gianttxt");
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_THAT(answer->records, ElementsAre(SizeIs(65000)));
  cost.expect_within(kAtOnce, kLittle);
}

TEST(HostileResolver, ThousandsOfRecordsAreRefused) {
  expect_failure_of_every_type("manysame", "more records than anybody needs");
}

TEST(HostileResolver, ThousandsOfLongNamesCostLittle) {
  const Cost cost;
  const auto answer = txt("longnames");
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(answer->kind, Texts::Kind::kNoData);
  EXPECT_EQ(answer->ttl, seconds{0});
  cost.expect_within(kAtOnce, kLittle);
}

TEST(HostileResolver, TwoHundredGiantAnswersAtATimeCostLittle) {
  const Cost cost;
  Asking asking(hostile_resolver(seconds{10}));
  for (const auto& answer : txts(asking, std::vector<std::string>(200, named("manytxt"))))
    expect_failure(answer, "more records");
  cost.expect_within(seconds{20}, 3 * kLittle);
}

TEST(HostileResolver, LoopsAndEndlessChainsOfCnamesAreRefused) {
  expect_failure_of_every_type("cnameloop", "loop of CNAME");
  expect_failure_of_every_type("cnamechain", "loop of CNAME");
}

TEST(HostileResolver, R23EveryTtlIsTakenAsItIsOrForNone) {
  Asking asking(hostile_resolver());
  const auto ttl = [&](const std::string& number) { return asking.txt("ttl." + number + ".hostile.test")->ttl; };
  EXPECT_EQ(ttl("0"), seconds{0});
  EXPECT_EQ(ttl("1"), seconds{1});
  EXPECT_EQ(ttl("2147483647"), seconds{2147483647});
  EXPECT_EQ(ttl("2147483648"), seconds{0}) << "RFC 2181 §8";
  EXPECT_EQ(ttl("4294967295"), seconds{0});
}

TEST(HostileResolver, R20NamesThatPointNowhereAreNoAbsence) {
  for (const char* behaviour : {"pointerself", "pointerpair", "pointerahead"})
    expect_failure_of_every_type(behaviour, "malformed message");
  expect_failure_of_every_type("pointerdata", "malformed");
}

TEST(HostileResolver, R20RecordsThatWereCutOffAreNoAbsence) {
  expect_failure_of_every_type("overlong", "malformed message");
  expect_failure_of_every_type("manyclaimed", "malformed message");
}

TEST(HostileResolver, R20RecordsOfTheWrongLengthAreNoAbsence) {
  expect_failure_of_every_type("emptydata", "malformed record");
  expect_failure_of_every_type("shortdata", "malformed record");
}

TEST(HostileResolver, AnswersThatNeverEndAreTimeouts) {
  expect_timeout("lengthonly");
  expect_timeout("drip");
}

TEST(HostileResolver, AFloodOfAnswersThatNobodyAskedForIsATimeout) { expect_timeout("flood"); }

TEST(HostileResolver, WhatIsNoDnsIsAFailure) {
  for (const char* behaviour : {"lengthzero", "headerless", "noise", "closes"}) {
    SCOPED_TRACE(behaviour);
    const Cost cost;
    EXPECT_FALSE(Asking(hostile_resolver(seconds{1})).txt(named(behaviour)));
    cost.expect_within(milliseconds{3500}, kLittle);
  }
}

TEST(HostileResolver, OneBadAnswerDoesNotSpoilTheOthers) {
  Asking asking(hostile_resolver());
  const auto answers = txts(asking, {named("good"), named("foreign"), named("good"), named("pointerself"),
                                     named("duplicate"), named("manytxt"), named("good")});
  for (const std::size_t i : {0, 2, 4, 6}) expect_good(answers[i]);
  for (const std::size_t i : {1, 3, 5}) EXPECT_FALSE(answers[i]);
}

// getdns keeps the rest of what it was reading for the next connection, and takes its beginning for that rest.
TEST(HostileResolver, AnAnswerThatStoppedDoesNotSpoilTheNext) {
  for (const char* behaviour : {"lengthonly", "headerless", "lengthzero", "noise", "closes", "duplicate"}) {
    SCOPED_TRACE(behaviour);
    Asking asking(hostile_resolver(seconds{1}));
    static_cast<void>(asking.txt(named(behaviour)));
    expect_good(asking.txt(named("good")));
    expect_good(asking.txt(named("good")));
  }
}

// One that may wait less than the others ends sooner, as a question that was not asked; the others go on waiting.
TEST(HostileResolver, AQuestionWaitsForItsTurnNoLongerThanItMay) {
  auto config = hostile_resolver(seconds{5});
  config.max_in_flight = 4;
  Asking asking(config);
  expect_good(asking.txt(named("good")));
  for (int i = 0; i < 4; ++i)
    asking.resolver().txt(named("silent"), [](const auto&) {}, {"stranger" + std::to_string(i) + ".test"});
  const Cost cost;
  std::optional<Result<Texts>> impatient;
  asking.resolver().txt(named("good"), [](const auto&) { ADD_FAILURE() << "its turn has not come"; }, {"a.test"});
  asking.resolver().txt(named("good"),
                        [&](auto answer) {
                          impatient = std::move(answer);
                          asking.loop().stop();
                        },
                        {"b.test", Priority::kOther, milliseconds{200}});
  asking.loop().run();
  ASSERT_FALSE(*impatient);
  EXPECT_EQ(impatient->error().code, ErrorCode::kNotTried) << impatient->error().detail;
  cost.expect_within(kAtOnce, kLittle);
}

// Whoever is not on the way to the resolver can only send datagrams; who opens no UDP socket cannot be fooled by one.
TEST(HostileResolver, NoQuestionGoesOverUdp) {
  Asking asking(hostile_resolver(seconds{1}));
  for (const char* behaviour : {"good", "truncated", "closes", "wrongid"})
    static_cast<void>(asking.txt(named(behaviour)));
  EXPECT_THAT(asking.txt("seen.datagrams-x.hostile.test")->records, ElementsAre("0"));
  EXPECT_THAT(asking.txt("seen.x.hostile.test")->records, ElementsAre(testing::Ne("0"))) << "it does count";
}

}  // namespace
}  // namespace mtasts
