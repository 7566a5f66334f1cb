#include "adapters/exim/route.h"

#include <gtest/gtest.h>

#include <regex>

namespace mtasts {
namespace {

Decision policy(Mode mode, std::vector<std::string> mx) {
  Decision decision;
  decision.kind = Decision::Kind::kPolicy;
  decision.mode = mode;
  decision.domain = "example.com";
  decision.mx = std::move(mx);
  return decision;
}

TEST(Route, R28NoPolicyIsTheEmptyText) {
  EXPECT_EQ(route_text(no_policy("none")), "");
  EXPECT_EQ(mode_text(no_policy("none")), "none");
}

TEST(Route, R27TestingNamesNoHosts) {
  EXPECT_EQ(route_text(policy(Mode::kTesting, {"mx.example.com"})), "testing|");
  EXPECT_EQ(mode_text(policy(Mode::kTesting, {"mx.example.com"})), "testing");
}

TEST(Route, R26EnforceIgnoresEveryHostThatThePolicyDoesNotName) {
  EXPECT_EQ(route_text(policy(Mode::kEnforce, {"mx1.example.com", "*.example.net"})),
            R"(enforce|!^(?i)mx1\.example\.com\.?$ ; !^(?i)[^.]+\.example\.net\.?$ ; *)");
  EXPECT_EQ(mode_text(policy(Mode::kEnforce, {"mx1.example.com"})), "enforce");
}

TEST(Route, R29ModeIsDaneWhereItJudgesEveryHost) {
  Decision decision = policy(Mode::kEnforce, {"mx1.example.com"});
  decision.dane = DaneState::kUsable;
  EXPECT_EQ(mode_text(decision), "dane");
  decision.dane = DaneState::kPartly;
  EXPECT_EQ(mode_text(decision), "enforce");
}

TEST(Route, R29HostsThatDaneJudgesArePassedThoughThePolicyDoesNotListThem) {
  Decision decision = policy(Mode::kEnforce, {"mx1.example.com"});
  decision.dane_hosts = {"mx1.example.com", "dane.example.net", "x.example.net"};
  EXPECT_EQ(route_text(decision),
            R"(enforce|!^(?i)mx1\.example\.com\.?$ ; *)"
            R"(|!^(?i)dane\.example\.net\.?$ ; !^(?i)x\.example\.net\.?$ ; !^(?i)mx1\.example\.com\.?$ ; *)"
            R"(|^(?i)dane\.example\.net\.?$ ; ^(?i)x\.example\.net\.?$)");
  decision.dane_hosts = {"mx1.example.com"};
  EXPECT_EQ(route_text(decision), R"(enforce|!^(?i)mx1\.example\.com\.?$ ; *)");
  decision.dane_hosts = {"x;y"};
  EXPECT_FALSE(route_text(decision));
}

TEST(Route, EnforceWithoutHostsIsAnErrorAndNeverAnOpenFilter) {
  EXPECT_EQ(route_text(policy(Mode::kEnforce, {})).error().code, ErrorCode::kInternal);
  EXPECT_EQ(route_text(policy(Mode::kEnforce, {""})).error().code, ErrorCode::kInternal);
  EXPECT_EQ(route_text(policy(Mode::kEnforce, {"*."})).error().code, ErrorCode::kInternal);
}

TEST(Route, NothingButHostNamesReachesEximsLanguage) {
  for (const char* bad : {"mx.example.com ; *", "mx|x.example", "${run{/bin/id}}", "mx.example.com\n",
                          "mx*.example.com", "a_b.example", "MX.example", "mx.exampl\xc3\xa9", "^.*", "*", "mx:25"}) {
    EXPECT_FALSE(route_text(policy(Mode::kEnforce, {"mx.example.com", bad}))) << bad;
  }
}

// The expression as Exim's PCRE reads it; "(?i)" is the regex object's flag here.
bool matches(const std::string& pattern, const std::string& host) {
  const std::string text = *route_text(policy(Mode::kEnforce, {pattern}));
  const std::string begin = "enforce|!^(?i)";
  const std::string expression = text.substr(begin.size(), text.find(" ; *") - begin.size());
  return std::regex_match(host, std::regex(expression, std::regex::icase));
}

TEST(Route, R24TheExpressionMatchesExactlyWhatThePolicyAllows) {
  EXPECT_TRUE(matches("mx1.example.com", "mx1.example.com"));
  EXPECT_TRUE(matches("mx1.example.com", "MX1.Example.com."));
  EXPECT_FALSE(matches("mx1.example.com", "mx1xexample.com"));
  EXPECT_FALSE(matches("mx1.example.com", "mx1.example.com.evil.test"));
  EXPECT_FALSE(matches("mx1.example.com", "a.mx1.example.com"));
  EXPECT_TRUE(matches("*.example.com", "a.example.com"));
  EXPECT_FALSE(matches("*.example.com", "example.com"));
  EXPECT_FALSE(matches("*.example.com", "a.b.example.com"));
}

// Such a name in the list itself might be an address or a mask to Exim; in an expression it is letters and digits.
TEST(Route, R24ANameThatEndsInANumberIsNothingElse) {
  EXPECT_EQ(route_text(policy(Mode::kEnforce, {"a.1", "*.example.0", "mx.192.0.2.1"})),
            R"(enforce|!^(?i)a\.1\.?$ ; !^(?i)[^.]+\.example\.0\.?$ ; !^(?i)mx\.192\.0\.2\.1\.?$ ; *)");
  EXPECT_TRUE(matches("a.1", "a.1"));
  for (const char* host : {"impostor.example.com", "192.0.2.1", "aa.1", "a.11", "a.0.0.1", "1"}) {
    EXPECT_FALSE(matches("a.1", host)) << host;
    EXPECT_FALSE(matches("mx.192.0.2.1", host)) << host;
  }
}

// No list reads an address into numbers: neither the one that inet_aton(3) would, nor a mask.
TEST(Route, R24ANameOfNumbersAloneIsNoAddress) {
  for (const char* pattern : {"127.1", "0x7f.1", "1.2", "1.2.3.4.5", "8"}) {
    EXPECT_TRUE(matches(pattern, pattern));
    for (const char* host : {"127.0.0.1", "impostor.example.com", "1.2.3.4", "a.1.2"})
      EXPECT_FALSE(matches(pattern, host)) << pattern << " " << host;
  }
}

// As "hostname" in Postfix's language.
TEST(Route, R24NoPatternIsAWordOfEximsLanguage) {
  for (const char* word : {"hostname", "lsearch", "localhost", "mx", "a"}) {
    EXPECT_TRUE(matches(word, word));
    EXPECT_FALSE(matches(word, "impostor.example.com")) << word;
  }
}

}  // namespace
}  // namespace mtasts
