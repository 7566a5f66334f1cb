#include "module/helper/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mtasts {
namespace {

constexpr char kPolicy[] = "version: STSv1\r\nmode: testing\r\nmx: *.example.com\r\nmax_age: 86400\r\n";

Domain example() { return *Domain::parse("example.com"); }

Outcome outcome(Outcome::Progress progress) {
  const WallTime now{std::chrono::seconds(1'800'000'000)};
  CacheEntry entry{
      example(), {RecordMemory::State::kFound, now + std::chrono::seconds(60), "abc", {}}, std::nullopt, std::nullopt};
  entry.policy = StoredPolicy{"abc", now, kPolicy, *parse_policy(kPolicy)};
  return {entry, progress, false};
}

TEST(Answer, RoundTrips) {
  for (const auto progress :
       {Outcome::Progress::kSettled, Outcome::Progress::kRecordPending, Outcome::Progress::kFetchPending}) {
    const auto sent = outcome(progress);
    const auto got = parse_answer(encode_answer(sent), example());
    ASSERT_TRUE(got);
    EXPECT_EQ(got->entry, sent.entry);
    EXPECT_EQ(got->progress, progress);
    EXPECT_FALSE(got->from_cache);
  }
}

TEST(Answer, CarriesWhatWasNotTriedAndWhoseFaultItIs) {
  auto sent = outcome(Outcome::Progress::kNotTried);
  sent.fault = Error{ErrorCode::kNotTried, "too many fetches are under way, waited 60 s"};
  const auto got = parse_answer(encode_answer(sent), example());
  ASSERT_TRUE(got);
  EXPECT_EQ(got->progress, Outcome::Progress::kNotTried);
  EXPECT_EQ(got->fault, sent.fault);
  EXPECT_EQ(got->entry, sent.entry);
}

TEST(Answer, CarriesTheChildsError) {
  const auto got =
      parse_answer(encode_answer(fail(ErrorCode::kLocalFault, "cannot load it: install\nthe \x01 library")), example());
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, ErrorCode::kLocalFault);
  EXPECT_EQ(got.error().detail, "cannot load it: install?the ? library");
}

TEST(Answer, RefusesEverythingElse) {
  const std::string good = encode_answer(outcome(Outcome::Progress::kSettled));
  const std::string bad[] = {"",
                             "mtasts-answer 1 ",
                             "mtasts-answer 2" + good.substr(15),
                             "mtasts-answer 1 settled\n",
                             "mtasts-answer 1 settled elsewhere\n" + good.substr(good.find('\n') + 1),
                             "mtasts-answer 1 settled network \n" + good.substr(good.find('\n') + 1),
                             "mtasts-answer 1 settled network \x01\n" + good.substr(good.find('\n') + 1),
                             "mtasts-answer 1 settled network " + std::string(901, 'x') + good.substr(good.find('\n')),
                             "mtasts-answer 1 error engine " + std::string(901, 'x') + "\n",
                             "mtasts-answer 1 not-tried network\n" + good.substr(good.find('\n') + 1),
                             "mtasts-answer 1 not-tried network dns-timeout x" + good.substr(good.find('\n')),
                             "mtasts-answer 1 settled network not-tried x" + good.substr(good.find('\n')),
                             "mtasts-answer 1 error\n",
                             "mtasts-answer 1 error nonsense x\n",
                             "mtasts-answer 1 error engine no line end",
                             "mtasts-answer 1 error engine two\nlines\n",
                             good.substr(0, good.size() - 1),
                             good + "x",
                             good + std::string(kMaxAnswerBytes, 'x')};
  for (const auto& bytes : bad) {
    const auto got = parse_answer(bytes, example());
    ASSERT_FALSE(got) << bytes.substr(0, 60);
    EXPECT_EQ(got.error().code, bytes.empty() ? ErrorCode::kLocalFault : ErrorCode::kInternal);
  }
  EXPECT_FALSE(parse_answer(good, *Domain::parse("example.net"))) << "an answer about another domain";
}

}  // namespace
}  // namespace mtasts
