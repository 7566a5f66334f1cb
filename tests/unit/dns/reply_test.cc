// Replies that no real server gives, and what the resolver makes of them.
#include "dns/reply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "tests/unit/dns/asking.h"
#include "tests/unit/dns/scripted_server.h"

namespace mtasts {
namespace {

using std::chrono::seconds;
using test::Asking;
using test::asking_at;
using test::character_string;
using test::Message;
using test::Query;
using test::rr;
using test::ScriptedServer;
using test::soa;
using test::wire_name;
using testing::AllOf;
using testing::ElementsAre;
using testing::Ge;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Le;
using Texts = DnsAnswer<std::string>;

constexpr char kName[] = "_mta-sts.example.test";

std::string txt(const Query& query, const std::string& text, std::uint32_t ttl = 300) {
  return rr(query.name, test::kTxt, ttl, character_string(text));
}

ResolverConfig config_for(const ScriptedServer& server) {
  auto config = asking_at({server.address()});
  config.timeout = seconds{1};
  return config;
}

Result<Texts> ask(const ScriptedServer& server) { return Asking(config_for(server)).txt(kName); }

// What comes of one message that answers every question.
Result<Texts> ask(const std::function<Message(const Query&)>& message) {
  const ScriptedServer server([&](const Query& query) { return message(query).to(query); });
  return ask(server);
}

void expect_failure(const Result<Texts>& answer, const char* says) {
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kDnsFailure) << answer.error().detail;
  EXPECT_THAT(answer.error().detail, HasSubstr(says));
}

TEST(Reply, IsReadAsItCame) {
  const std::string odd("v=\0\xff\"\\;", 7);
  const auto answer = ask([&](const Query& query) { return Message{.answer = {txt(query, odd)}}; });
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_THAT(answer->records, ElementsAre(odd));
  EXPECT_EQ(answer->ttl, seconds{300});
}

TEST(Reply, MayComeInPieces) {
  const ScriptedServer server([](const Query& query) { return Message{.answer = {txt(query, "x")}}.to(query); },
                              ScriptedServer::Manner::kPieces);
  const auto answer = ask(server);
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_THAT(answer->records, ElementsAre("x"));
}

TEST(Reply, ToAnotherNameIsRefused) {
  expect_failure(ask([](const Query& query) {
                   return Message{.question = wire_name("other.test") + test::u16(test::kTxt) + test::u16(1),
                                  .answer = {txt(query, "x")}};
                 }),
                 "another question");
}

TEST(Reply, ToAnotherTypeIsRefused) {
  expect_failure(ask([](const Query& query) {
                   return Message{.question = query.name + test::u16(test::kMx) + test::u16(1),
                                  .answer = {txt(query, "x")}};
                 }),
                 "another question");
}

TEST(Reply, ToAnotherClassIsRefused) {
  expect_failure(ask([](const Query& query) {
                   return Message{.question = query.name + test::u16(test::kTxt) + test::u16(3),
                                  .answer = {txt(query, "x")}};
                 }),
                 "another question");
}

TEST(Reply, MayWriteTheNameInAnotherCase) {
  const auto answer = ask([](const Query&) {
    const std::string name = wire_name("_MTA-STS.Example.TEST");
    return Message{.question = name + test::u16(test::kTxt) + test::u16(1),
                   .answer = {rr(name, test::kTxt, 300, character_string("x"))}};
  });
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_THAT(answer->records, ElementsAre("x"));
}

TEST(Reply, WithAnotherIdIsNoReply) {
  const ScriptedServer server([](const Query& query) {
    const std::string other{query.id[0], static_cast<char>(query.id[1] ^ 1)};
    return Message{.id = other, .answer = {txt(query, "x")}}.to(query);
  });
  const auto answer = ask(server);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kDnsTimeout);
}

TEST(Reply, R20EveryOtherRcodeIsAFailure) {
  const std::pair<unsigned, const char*> rcodes[] = {{1, "FORMERR"}, {2, "SERVFAIL"}, {4, "NOTIMP"},
                                                     {5, "REFUSED"}, {6, "rcode 6"},  {15, "rcode 15"}};
  for (const auto& [rcode, name] : rcodes) {
    expect_failure(ask([rcode = rcode](const Query&) { return Message{.flags = 0x8180U | rcode}; }), name);
    expect_failure(ask([rcode = rcode](const Query& query) {
                     return Message{.flags = 0x8180U | rcode, .answer = {txt(query, "x")}};
                   }),
                   name);
  }
}

TEST(Reply, ThatIsTruncatedIsAFailure) {
  expect_failure(ask([](const Query& query) { return Message{.flags = 0x8380, .answer = {txt(query, "x")}}; }),
                 "truncated");
}

TEST(Reply, ThatIsAQueryIsAFailure) {
  expect_failure(ask([](const Query& query) { return Message{.flags = 0x0100, .answer = {txt(query, "x")}}; }),
                 "no DNS");
}

TEST(Reply, R20AReferralIsNoDenial) {
  expect_failure(ask([](const Query&) {
                   return Message{.flags = 0x8100,
                                  .authority = {rr(wire_name("test"), test::kNs, 300, wire_name("ns.test"))}};
                 }),
                 "recursion");
}

TEST(Reply, R23NegativeTtlIsTheSmallerOfSoaTtlAndMinimum) {
  for (const auto& [ttl, minimum] : {std::pair{60U, 900U}, std::pair{900U, 60U}}) {
    for (const unsigned rcode : {0U, 3U}) {
      const auto answer = ask([&, ttl = ttl, minimum = minimum](const Query&) {
        return Message{.flags = 0x8180U | rcode, .authority = {soa(ttl, minimum)}};
      });
      ASSERT_TRUE(answer) << answer.error().detail;
      EXPECT_EQ(answer->kind, rcode == 0 ? Texts::Kind::kNoData : Texts::Kind::kNxDomain);
      EXPECT_EQ(answer->ttl, seconds{60});
    }
  }
}

TEST(Reply, R23NegativeWithoutSoaIsNotCached) {
  const auto answer = ask([](const Query&) { return Message{.flags = 0x8183}; });
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(answer->ttl, seconds{0});
}

TEST(Reply, R23TtlOfADenialBehindACnameIsTheSmaller) {
  const auto answer = ask([](const Query& query) {
    return Message{.flags = 0x8183,
                   .answer = {rr(query.name, test::kCname, 30, wire_name("gone.test"))},
                   .authority = {soa(900, 900)}};
  });
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(answer->kind, Texts::Kind::kNxDomain);
  EXPECT_EQ(answer->ttl, seconds{30});
}

TEST(Reply, R23TtlIsTheSmallestOfTheRecords) {
  const auto answer = ask([](const Query& query) {
    return Message{.answer = {txt(query, "a", 300), txt(query, "b", 200)}};
  });
  EXPECT_EQ(answer->ttl, seconds{200});
}

TEST(Reply, ATtlWithTheHighestBitIsZero) {
  const auto answer = ask([](const Query& query) { return Message{.answer = {txt(query, "x", 0x8000'0001)}}; });
  EXPECT_EQ(answer->ttl, seconds{0});
}

TEST(Reply, RecordsOfOtherNamesTypesAndClassesAreIgnored) {
  const auto answer = ask([](const Query& query) {
    return Message{.answer = {rr(wire_name("other.test"), test::kTxt, 1, character_string("other name")),
                              rr(query.name, test::kA, 1, "\x7f\x01\x01\x01"),
                              rr(query.name, test::kTxt, 1, character_string("other class"), 3), txt(query, "x")}};
  });
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_THAT(answer->records, ElementsAre("x"));
  EXPECT_EQ(answer->ttl, seconds{300});
}

TEST(Reply, RecordsOfAnUnrelatedNameDoNotAnswer) {
  const auto answer = ask([](const Query&) {
    return Message{.answer = {rr(wire_name("other.test"), test::kTxt, 300, character_string("x"))}};
  });
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(answer->kind, Texts::Kind::kNoData);
  EXPECT_THAT(answer->records, IsEmpty());
}

TEST(Reply, CnamesAreFollowedInAnyOrder) {
  const auto answer = ask([](const Query& query) {
    return Message{.answer = {rr(wire_name("c.test"), test::kTxt, 300, character_string("x")),
                              rr(wire_name("b.test"), test::kCname, 50, wire_name("C.test")),
                              rr(query.name, test::kCname, 300, wire_name("b.TEST"))}};
  });
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_THAT(answer->records, ElementsAre("x"));
  EXPECT_EQ(answer->ttl, seconds{50});
}

TEST(Reply, ALoopOfCnamesIsAFailure) {
  expect_failure(ask([](const Query& query) {
                   return Message{.answer = {rr(query.name, test::kCname, 300, wire_name("b.test")),
                                             rr(wire_name("b.test"), test::kCname, 300, query.name)}};
                 }),
                 "loop");
}

TEST(Reply, SixtyFourRecordsAreBelieved) {
  const auto with = [](std::size_t count) {
    return ask(
        [count](const Query& query) { return Message{.answer = std::vector<std::string>(count, txt(query, "x"))}; });
  };
  EXPECT_EQ(with(kMaxRecords)->records.size(), kMaxRecords);
  expect_failure(with(kMaxRecords + 1), "more records");
}

TEST(Reply, MalformedRecordsAreAFailure) {
  const auto malformed = [](const std::string& rdata) {
    return ask([&](const Query& query) { return Message{.answer = {rr(query.name, test::kTxt, 300, rdata)}}; });
  };
  EXPECT_FALSE(malformed("\x20too short")) << "a string longer than its record";
}

TEST(Reply, ThatEndsEarlyIsAFailure) {
  const ScriptedServer server([](const Query& query) -> std::optional<std::string> {
    const std::string whole = Message{.answer = {txt(query, "x")}}.to(query).substr(2);
    return test::u16(static_cast<unsigned>(whole.size() - 5)) + whole.substr(0, whole.size() - 5);
  });
  EXPECT_FALSE(ask(server));
}

std::string half_a_reply(const Query& query) {
  const std::string whole = Message{.answer = {txt(query, "x")}}.to(query);
  return whole.substr(0, whole.size() / 2);
}

TEST(Reply, ThatStopsHalfWayIsATimeout) {
  const ScriptedServer server(&half_a_reply);
  const auto answer = ask(server);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kDnsTimeout);
}

TEST(Reply, ThatIsCutOffHalfWayIsUnreachable) {
  const ScriptedServer server(&half_a_reply, ScriptedServer::Manner::kCloseAfter);
  const auto answer = ask(server);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kDnsUnreachable);
  EXPECT_LE(server.queries(), 2 + 1) << "and localhost";
}

TEST(Reply, CountsWhenTheConnectionClosesBehindIt) {
  const ScriptedServer server([](const Query& query) { return Message{.answer = {txt(query, "x")}}.to(query); },
                              ScriptedServer::Manner::kCloseAfter);
  Asking asking(config_for(server));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(asking.txt(kName));
}

TEST(Reply, ThatIsNotDnsIsAFailure) {
  for (const std::string& bytes : {std::string("\0\0", 2), std::string("\0\x05hello", 7), std::string(4000, '\xff'),
                                   std::string("HTTP/1.1 400 Bad Request\r\n\r\n"), std::string("\xff\xffshort")}) {
    const ScriptedServer server([&](const Query&) { return bytes; });
    EXPECT_FALSE(ask(server)) << bytes.size();
  }
}

TEST(Reply, ADroppedQuestionIsAskedOnceMore) {
  const ScriptedServer server([](const Query& query) -> std::optional<std::string> {
    if (query.number == 1) return std::nullopt;
    return Message{.answer = {txt(query, "x")}}.to(query);
  });
  const auto answer = ask(server);
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_LE(server.queries(), 2 + 1) << "and localhost";
}

TEST(Reply, AQuestionDroppedTwiceIsUnreachable) {
  const ScriptedServer server([](const Query&) { return std::nullopt; });
  const auto answer = ask(server);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kDnsUnreachable);
  EXPECT_LE(server.queries(), 2 + 1) << "and localhost, to see whether it answers that";
}

// As unbound does while its list of requests is full: of what it has itself it tells at once.
TEST(Reply, AResolverThatHangsUpAtOnceButLivesIsAskedUntilItHasTheAnswer) {
  std::atomic<int> asked = 0;
  const ScriptedServer server([&](const Query& query) -> std::optional<std::string> {
    if (query.name == wire_name("localhost")) return Message{}.to(query);
    if (++asked == 5) return Message{.answer = {txt(query, "x")}}.to(query);
    return std::nullopt;
  });
  const auto answer = ask(server);
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(asked, 5);
}

// As unbound does while strangers' questions for silent zones hold more than half of its places.
TEST(Reply, AResolverThatHangsUpForWantOfRoomIsAskedUntilItHasTheAnswer) {
  std::atomic<int> asked = 0;
  const ScriptedServer server([&](const Query& query) -> std::optional<std::string> {
    if (query.name == wire_name("localhost")) return std::nullopt;
    if (++asked == 5) return Message{.answer = {txt(query, "x")}}.to(query);
    std::this_thread::sleep_for(std::chrono::milliseconds{200});
    return std::nullopt;
  });
  const auto answer = ask(server);
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(asked, 5);
}

TEST(Reply, AResolverThatAlwaysHangsUpIsUnreachableInTheEnd) {
  const ScriptedServer server([](const Query&) {
    std::this_thread::sleep_for(std::chrono::milliseconds{110});
    return std::nullopt;
  });
  const auto answer = ask(server);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kDnsUnreachable);
  EXPECT_THAT(server.queries(), AllOf(Ge(8), Le(8 + 3))) << "and localhost once a second";
}

TEST(Reply, ServfailOfTheOnlyResolverIsNotAskedAgain) {
  const ScriptedServer server([](const Query& query) { return Message{.flags = 0x8182}.to(query); });
  EXPECT_FALSE(ask(server));
  EXPECT_EQ(server.queries(), 1);
}

TEST(Reply, ServfailOfOneResolverLetsTheNextAnswer) {
  const ScriptedServer bad([](const Query& query) { return Message{.flags = 0x8182}.to(query); });
  const ScriptedServer good([](const Query& query) { return Message{.answer = {txt(query, "x")}}.to(query); });
  const auto answer = Asking(asking_at({bad.address(), good.address()})).txt(kName);
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(bad.queries(), 1);
}

TEST(Reply, MxNamesAreReadLiterallyAndOddOctetsEscaped) {
  const ScriptedServer server([](const Query& query) {
    const std::string odd = std::string("\x04") + "a. \x01" + wire_name("Example.test");
    return Message{.answer = {rr(query.name, test::kMx, 300, test::u16(10) + odd)}}.to(query);
  });
  const auto answer = Asking(config_for(server)).mx("example.test");
  ASSERT_TRUE(answer) << answer.error().detail;
  ASSERT_EQ(answer->records.size(), 1U);
  EXPECT_EQ(answer->records[0].host, "a\\046\\032\\001.Example.test");
}

// Answers A and AAAA questions differently.
Result<Texts> addresses(const std::function<Message(const Query&)>& v4,
                        const std::function<Message(const Query&)>& v6) {
  const ScriptedServer server([&](const Query& query) { return (query.type == test::kA ? v4 : v6)(query).to(query); });
  return Asking(config_for(server)).addresses("mta-sts.example.test");
}

Message an_a(const Query& query) { return {.answer = {rr(query.name, test::kA, 300, "\xc0\x01\x02\x03")}}; }
Message an_aaaa(const Query& query) {
  return {.answer = {rr(query.name, test::kAaaa, 200, std::string(15, '\0') + "\x07")}};
}
Message nothing(const Query&) { return {.authority = {soa(50, 50)}}; }
Message no_name(const Query&) { return {.flags = 0x8183, .authority = {soa(50, 50)}}; }
Message servfail(const Query&) { return {.flags = 0x8182}; }

TEST(Addresses, AreJoined) {
  const auto both = addresses(an_a, an_aaaa);
  ASSERT_TRUE(both) << both.error().detail;
  EXPECT_THAT(both->records, ElementsAre("::7", "192.1.2.3"));
  EXPECT_EQ(both->ttl, seconds{200});
}

TEST(Addresses, OneKindIsEnoughWhenTheOtherFails) {
  EXPECT_THAT(addresses(an_a, servfail)->records, ElementsAre("192.1.2.3"));
  EXPECT_THAT(addresses(servfail, an_aaaa)->records, ElementsAre("::7"));
}

TEST(Addresses, R20NoneOfOneKindAndAFailureOfTheOtherIsAFailure) {
  EXPECT_FALSE(addresses(nothing, servfail));
  EXPECT_FALSE(addresses(servfail, nothing));
  EXPECT_FALSE(addresses(servfail, servfail));
}

TEST(Addresses, NoneAtAllIsAnAnswer) {
  EXPECT_EQ(addresses(nothing, nothing)->kind, Texts::Kind::kNoData);
  EXPECT_EQ(addresses(no_name, no_name)->kind, Texts::Kind::kNxDomain);
  EXPECT_EQ(addresses(nothing, nothing)->ttl, seconds{50});
}

TEST(Addresses, OfAWrongLengthAreAFailure) {
  EXPECT_FALSE(
      addresses([](const Query& query) { return Message{.answer = {rr(query.name, test::kA, 300, "abc")}}; }, nothing));
}

}  // namespace
}  // namespace mtasts
