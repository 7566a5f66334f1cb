#include "adapters/socketmap/reply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/core/builders.h"

namespace mtasts::socketmap {
namespace {

using testing::HasSubstr;
using testing::Not;

Decision enforced(std::vector<std::string> mx = {"mx1.example.com", "*.wild.example.com"}) {
  Decision decision;
  decision.kind = Decision::Kind::kPolicy;
  decision.mode = Mode::kEnforce;
  decision.domain = "example.com";
  decision.mx = std::move(mx);
  decision.body =
      "version: STSv1\r\nmode: enforce\r\nmx: mx1.example.com\r\nmx: *.wild.example.com\r\nmax_age: 86400\r\n";
  return decision;
}

Decision with_dane(DaneState state) {
  Decision decision = enforced();
  decision.dane = state;
  decision.dane_reason = "the TLSA question failed: SERVFAIL";
  return decision;
}

std::string answer(Map map, const Decision& decision, DaneAnswer dane = DaneAnswer::kNotFound) {
  return reply_for(map, decision, dane).text;
}

TEST(Reply, R25EnforceIsSecureWithTheNamesOfThePolicyAndTheHostNameAsServerName) {
  const std::string secure = "OK secure match=mx1.example.com:.wild.example.com servername=hostname";
  EXPECT_EQ(answer(Map::kPostfix, enforced()), secure);
  EXPECT_EQ(answer(Map::kSendmail, enforced()), secure);
  EXPECT_EQ(reply_for(Map::kPostfix, enforced(), DaneAnswer::kNotFound).verdict, Verdict::kSecure);
}

TEST(Reply, R24R32TheLaterPostfixGetsThePolicyItself) {
  EXPECT_EQ(answer(Map::kPostfixTlsrpt, enforced()),
            "OK secure match=mx1.example.com:.wild.example.com servername=hostname policy_type=sts "
            "policy_domain=example.com { policy_string = version: STSv1 } { policy_string = mode: enforce } "
            "{ policy_string = mx: mx1.example.com } { policy_string = mx: *.wild.example.com } "
            "{ policy_string = max_age: 86400 } mx_host_pattern=mx1.example.com mx_host_pattern=*.wild.example.com");
}

TEST(Reply, R24APatternWithoutADotIsNoWordOfThePostfixLanguage) {
  const Decision decision = enforced({"hostname", "nexthop", "dot-nexthop", "mx1.example.com", "*.hostname"});
  const std::string secure = "OK secure match=mx1.example.com:.hostname servername=hostname";
  EXPECT_EQ(answer(Map::kPostfix, decision), secure);
  EXPECT_EQ(answer(Map::kSendmail, decision), secure);
  EXPECT_THAT(answer(Map::kPostfixTlsrpt, decision),
              HasSubstr("} mx_host_pattern=mx1.example.com mx_host_pattern=*.hostname"));
}

// No port, no address and no word: between colons it is one more name that no impostor's certificate has.
TEST(Reply, R24ANameThatEndsInANumberIsANameLikeAnother) {
  const Decision decision = enforced({"a.1", "*.example.0", "mx1.example.com"});
  const std::string secure = "OK secure match=a.1:.example.0:mx1.example.com servername=hostname";
  EXPECT_EQ(answer(Map::kPostfix, decision), secure);
  EXPECT_EQ(answer(Map::kSendmail, decision), secure);
  EXPECT_THAT(answer(Map::kPostfixTlsrpt, decision),
              HasSubstr(" mx_host_pattern=a.1 mx_host_pattern=*.example.0 mx_host"));
}

// One without a dot is left out as any word is.
TEST(Reply, R24ANameOfNumbersAloneIsANameLikeAnother) {
  const Decision decision = enforced({"127.1", "0x7f.1", "8", "1.2.3.4.5", "*.2.3.4"});
  const std::string secure = "OK secure match=127.1:0x7f.1:1.2.3.4.5:.2.3.4 servername=hostname";
  EXPECT_EQ(answer(Map::kPostfix, decision), secure);
  EXPECT_EQ(answer(Map::kSendmail, decision), secure);
  EXPECT_THAT(answer(Map::kPostfixTlsrpt, decision),
              HasSubstr("} mx_host_pattern=127.1 mx_host_pattern=0x7f.1 mx_host_pattern=1.2.3.4.5 mx_host"));
}

TEST(Reply, R26MailWaitsWhereNoPatternCanMatchAHost) {
  for (const Map map : {Map::kPostfix, Map::kPostfixTlsrpt, Map::kSendmail})
    EXPECT_EQ(answer(map, enforced({"hostname", "localhost"})),
              "TEMP the policy of example.com allows no MX host: no mx in it is a full host name");
}

TEST(Reply, SendmailGetsWholeNamesOnlyAndAsManyAsItTakes) {
  std::vector<std::string> mx(30, "mx.example.com");
  mx.insert(mx.begin(), std::string(240, 'a') + ".example.com");
  const std::string text = answer(Map::kSendmail, enforced(mx));
  EXPECT_THAT(text, testing::MatchesRegex("OK secure match=mx.example.com(:mx.example.com){13} servername=hostname"));
  EXPECT_EQ(answer(Map::kPostfix, enforced(mx)).size(), 16 + 252 + 30 * 15 + 20);
}

TEST(Reply, R32ALineOfThePolicyGoesAlongAsItIsServed) {
  Decision decision = enforced();
  for (const std::string line : {"zz: a, b=c \"q\" 'r' \\ \\n ; < > $x", "zz: caf\xc3\xa9", "zz: policy_failure = x",
                                 "zz: , policy_failure=x", "mode:\tenforce"}) {
    decision.body = line + "\n";
    EXPECT_THAT(answer(Map::kPostfixTlsrpt, decision), HasSubstr("=example.com { policy_string = " + line + " } mx_"));
  }
}

TEST(Reply, NothingOfAPolicyBecomesAnAttributeOfItsOwnOrStopsTheMail) {
  using std::string_literals::operator""s;
  for (const std::string& line : {"zz: } policy_failure=a"s, "zz: x } { policy_failure = y"s, "zz: { y = z }"s,
                                  "zz: {"s, "zz: a\0b"s, "zz: a\rb"s, "zz: \x7f"s, "zz: \xe9"s, "zz: \xed\xa0\x80"s}) {
    Decision decision = enforced();
    decision.body += line + "\n";
    EXPECT_EQ(answer(Map::kPostfixTlsrpt, decision), answer(Map::kPostfixTlsrpt, enforced())) << escaped(line);
  }
}

TEST(Reply, OfAMonstrousPolicyTheReportIsLeftOutNotTheProtection) {
  Decision decision = enforced(std::vector<std::string>(1600, std::string(32, 'a') + ".example"));
  decision.body = "version: STSv1\nmode: enforce\nmax_age: 1\n";
  for (const std::string& mx : decision.mx) decision.body += "mx: " + mx + "\n";
  const std::string text = answer(Map::kPostfixTlsrpt, decision);
  EXPECT_LE(text.size(), kMaxReply);
  EXPECT_EQ(text, answer(Map::kPostfix, decision));
}

TEST(Reply, R27R28TestingAndNoPolicyLeaveTheAdministratorsOwnLevel) {
  Decision testing = enforced();
  testing.mode = Mode::kTesting;
  for (const Map map : {Map::kPostfix, Map::kPostfixTlsrpt, Map::kSendmail}) {
    EXPECT_EQ(answer(map, testing), "NOTFOUND ");
    EXPECT_EQ(answer(map, no_policy("none")), "NOTFOUND ");
  }
}

TEST(Reply, DeferIsTemporaryAndOnOneLine) {
  Decision decision;
  decision.kind = Decision::Kind::kDefer;
  decision.reason = "the policy is still\nbeing fetched";
  EXPECT_EQ(answer(Map::kPostfix, decision), "TEMP the policy is still\\x0abeing fetched");
}

TEST(Reply, R29DaneGoesFirst) {
  const Decision usable = with_dane(DaneState::kUsable);
  EXPECT_EQ(answer(Map::kPostfix, usable, DaneAnswer::kNotFound), "NOTFOUND ");
  EXPECT_EQ(answer(Map::kPostfixTlsrpt, usable, DaneAnswer::kDane), "OK dane");
  EXPECT_EQ(answer(Map::kPostfix, usable, DaneAnswer::kDaneOnly), "OK dane-only");
  EXPECT_THAT(answer(Map::kPostfix, with_dane(DaneState::kNone)), HasSubstr("OK secure"));
}

TEST(Reply, R29WhereDaneJudgesSomeHostsOnlyNoHostIsLeftWithoutProtection) {
  for (const DaneAnswer dane : {DaneAnswer::kNotFound, DaneAnswer::kDane, DaneAnswer::kDaneOnly})
    EXPECT_EQ(answer(Map::kPostfix, with_dane(DaneState::kPartly), dane), "OK dane-only");
}

TEST(Reply, R29ADaneFailureIsNotExcusedByAPolicy) {
  EXPECT_EQ(answer(Map::kPostfixTlsrpt, with_dane(DaneState::kFailed)), "TEMP the TLSA question failed: SERVFAIL");
}

TEST(Reply, R29SendmailJudgesByDaneItself) {
  for (const DaneState state : {DaneState::kUsable, DaneState::kPartly, DaneState::kFailed})
    EXPECT_THAT(answer(Map::kSendmail, with_dane(state)), HasSubstr("OK secure"));
}

TEST(Request, IsAMapAndAKey) {
  const auto request = Request::parse("postfix-tlsrpt [Mail.Example.COM]:25");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->map, Map::kPostfixTlsrpt);
  EXPECT_EQ(request->key, "[Mail.Example.COM]:25");
  EXPECT_EQ(Request::parse("sts a.b")->map, Map::kSendmail);
  EXPECT_EQ(Request::parse("sendmail a.b")->map, Map::kSendmail);
  EXPECT_EQ(Request::parse("whatever a.b")->map, Map::kPostfix);
  EXPECT_EQ(Request::parse("postfix a b")->key, "a b");
  EXPECT_FALSE(Request::parse("postfix"));
  EXPECT_FALSE(Request::parse(""));
}

}  // namespace
}  // namespace mtasts::socketmap
