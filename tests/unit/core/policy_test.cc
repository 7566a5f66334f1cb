#include "core/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mtasts {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kMinimal = "version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 86400\n";

// A whole policy with `lines` added to the ones that are always needed.
std::string with(const std::string& lines) {
  return "version: STSv1\nmode: enforce\nmax_age: 86400\nmx: mx.example.com\n" + lines;
}
std::string with_mx(const std::string& mx) { return "version: STSv1\nmode: enforce\nmax_age: 86400\nmx: " + mx + "\n"; }
std::string with_age(const std::string& age) { return "version: STSv1\nmode: none\nmax_age: " + age + "\n"; }

void expect_invalid(const std::string& body, std::string_view what = "") {
  const Result<Policy> policy = parse_policy(body);
  ASSERT_FALSE(policy) << body;
  EXPECT_EQ(policy.error().code, ErrorCode::kPolicyInvalid);
  EXPECT_THAT(policy.error().detail, HasSubstr(std::string(what)));
  EXPECT_EQ(policy.error().detail.find_first_of(std::string_view("\0\n\r\t\x7f", 5)), std::string::npos) << body;
}

TEST(Policy, ReadsTheExampleOfTheStandard) {
  const Result<Policy> policy = parse_policy(
      "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmx: backupmx.example.com\r\n"
      "max_age: 604800\r\n");
  ASSERT_TRUE(policy);
  EXPECT_EQ(policy->mode, Mode::kEnforce);
  EXPECT_EQ(policy->max_age, seconds{604'800});
  EXPECT_THAT(policy->mx, ElementsAre("mail.example.com", "*.example.net", "backupmx.example.com"));
}

TEST(Policy, R8LineEndsWhiteSpaceAndOrderAreFree) {
  const std::string kSame[] = {
      kMinimal,
      "version: STSv1\r\nmode: enforce\r\nmx: mx.example.com\r\nmax_age: 86400\r\n",
      "version: STSv1\nmode: enforce\r\nmx: mx.example.com\nmax_age: 86400",
      "version: STSv1\r\nmode: enforce\r\nmx: mx.example.com\r\nmax_age: 86400",
      "version:STSv1\nmode:enforce\nmx:mx.example.com\nmax_age:86400",
      "version:  \tSTSv1 \t\nmode:\tenforce\t\nmx: mx.example.com \r\nmax_age: \t 86400 \n",
      "max_age: 86400\nmx: mx.example.com\nmode: enforce\nversion: STSv1\n",
      "version: STSv1\nmode: enforce\nmx: MX.Example.COM\nmax_age: 86400\n",
  };
  for (const std::string& body : kSame) EXPECT_EQ(parse_policy(body), parse_policy(kMinimal)) << body;
}

TEST(Policy, R8BlankLinesAreIgnored) {
  for (const char* body : {"\nversion: STSv1\n\nmode: enforce\n \t\nmx: mx.example.com\r\n\r\nmax_age: 86400\n\n\n",
                           "\r\n \t\r\nversion: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 86400\n "}) {
    EXPECT_EQ(parse_policy(body), parse_policy(kMinimal)) << body;
  }
}

TEST(Policy, R8UnknownKeysAreIgnored) {
  const std::string kLines[] = {
      "future: x\n",
      "0.a-b_c: x\n",
      std::string(32, 'k') + ": x\n",
      "note: a value with spaces: and colons\n",
      "note: gr\xc3\xbc\xc3\x9f \xf0\x9f\x93\xa7 \xe2\x82\xac\n",
      "MODE: none\n",
      "Mx: not a host\n",
  };
  for (const std::string& line : kLines) EXPECT_EQ(parse_policy(with(line)), parse_policy(kMinimal)) << line;
}

TEST(Policy, R8FirstOfADuplicatedKeyCounts) {
  for (const char* line :
       {"mode: none\n", "mode: nonsense\n", "max_age: 1\n", "max_age: never\n", "version: STSv2\n"}) {
    EXPECT_EQ(parse_policy(with(line)), parse_policy(kMinimal)) << line;
  }
  expect_invalid("version: STSv2\n" + std::string(kMinimal), "version");
  expect_invalid("mode: nonsense\n" + std::string(kMinimal), "mode");
}

TEST(Policy, R8EveryMxCounts) {
  EXPECT_THAT(parse_policy(with("mx: B.example.com\nmx: *.example.net\n"))->mx,
              ElementsAre("mx.example.com", "b.example.com", "*.example.net"));
}

TEST(Policy, R8RefusesLinesThatAreNotKeyAndValue) {
  const std::string kLines[] = {
      "nonsense\n",
      ": x\n",
      "key\n",
      "key:\n",
      "key: \n",
      "key: \t\r\n",
      " key: x\n",
      "\tmode: enforce\n",
      "key : x\n",
      "ke y: x\n",
      "-key: x\n",
      "_key: x\n",
      ".key: x\n",
      "k*y: x\n",
      std::string(33, 'k') + ": x\n",
      "k\xc3\xbcy: x\n",
      "\xef\xbb\xbfkey: x\n",
      "<html>\n",
      "// comment\n",
      "# comment\n",
      "mode=enforce\n",
  };
  for (const std::string& line : kLines) expect_invalid(with(line), "line 5");
}

TEST(Policy, R8RefusesControlCharactersAndWhatIsNotUtf8) {
  const std::string kLines[] = {
      std::string("key: a\0b\n", 9),
      std::string("\0\n", 2),
      std::string("key: x\0\n", 8),
      "key: a\tb\n",
      "key: a\rb\n",
      "key: x\r\r\n",
      "key: \x1b[1m\n",
      "key: \x7f\n",
      "key: \x80\n",
      "key: \xc3\n",
      "key: \xc0\xaf\n",
      "key: \xed\xa0\x80\n",
      "key: \xff\n",
      "\r\r\n",
      "\r",
      "key: value\r",
      "key: value \r",
      "\v\n",
  };
  for (const std::string& line : kLines) expect_invalid(with(line), "line 5");
}

TEST(Policy, R8ACarriageReturnWithoutALineFeedEndsNoLine) {
  expect_invalid("version: STSv1\r\nmode: enforce\r\nmx: mx.example.com\r\nmax_age: 86400\r", "control character");
  expect_invalid("version: STSv1\r\nmode: enforce\r\nmax_age: 86400\r\nmx: mx.example.com\r", "control character");
  expect_invalid(std::string(kMinimal) + "\r", "line 5");
}

TEST(Policy, R8AByteOrderMarkIsNotIgnored) { expect_invalid("\xef\xbb\xbf" + std::string(kMinimal), "line 1"); }

TEST(Policy, R9NeedsVersionModeAgeAndMx) {
  expect_invalid("", "version");
  expect_invalid("\n\n", "version");
  expect_invalid("mode: enforce\nmx: mx.example.com\nmax_age: 86400\n", "version");
  expect_invalid("version: STSv1\nmx: mx.example.com\nmax_age: 86400\n", "mode");
  expect_invalid("version: STSv1\nmode: enforce\nmx: mx.example.com\n", "max_age");
  expect_invalid("version: STSv1\nmode: enforce\nmax_age: 86400\n", "mx");
  expect_invalid("version: STSv1\nmode: testing\nmax_age: 86400\n", "mx");
}

TEST(Policy, R9VersionAndModeAreCaseSensitive) {
  for (const char* version : {"STSv2", "stsv1", "STSV1", "STSv12", "STSv1;", "\"STSv1\"", "STSv1 x"}) {
    expect_invalid("version: " + std::string(version) + "\nmode: none\nmax_age: 1\n", "line 1: the version");
  }
  for (const char* mode : {"Enforce", "ENFORCE", "report", "test", "enforced", "enforce,testing", "\"none\""}) {
    expect_invalid("version: STSv1\nmode: " + std::string(mode) + "\nmax_age: 1\nmx: a.b\n", "line 2: the mode");
  }
}

TEST(Policy, R9ModeNoneNeedsNoMx) {
  EXPECT_EQ(parse_policy("version: STSv1\nmode: none\nmax_age: 86400\n"), (Policy{Mode::kNone, seconds{86'400}, {}}));
  EXPECT_TRUE(parse_policy("version: STSv1\nmode: none\nmax_age: 86400\nmx: mx.example.com\n"));
  expect_invalid("version: STSv1\nmode: none\nmax_age: 86400\nmx: -\n", "mx");
}

TEST(Policy, R9MaxAgeIsCapped) {
  EXPECT_EQ(parse_policy(with_age("31557600"))->max_age, kMaxPolicyAge);
  EXPECT_EQ(parse_policy(with_age("31557601"))->max_age, kMaxPolicyAge);
  EXPECT_EQ(parse_policy(with_age("9999999999"))->max_age, kMaxPolicyAge);
  EXPECT_EQ(parse_policy(with_age("0"))->max_age, seconds{0});
  EXPECT_EQ(parse_policy(with_age("0000086400"))->max_age, seconds{86'400});
}

TEST(Policy, R9MaxAgeIsDigitsOnly) {
  for (const char* age : {"+1", "-1", "1_000", "1,000", "86400s", "0x10", "1e5", "1.5", "1 2", "10000000000",
                          "00000000001", "99999999999999999999999999", "\xd9\xa1", "one"}) {
    expect_invalid(with_age(age), "line 3");
  }
}

TEST(Policy, R10AcceptsHostNamesAndOneLeadingWildcard) {
  const std::string kPatterns[] = {"mx.example.com",
                                   "*.example.com",
                                   "MX1.EXAMPLE.com",
                                   "a",
                                   "localhost",
                                   "*.com",
                                   "1.example",
                                   "4.4u",
                                   "xn--bcher-kva.example",
                                   "*.xn--bcher-kva.example",
                                   "a-b.c--d.example",
                                   std::string(63, 'a') + ".example"};
  for (const std::string& pattern : kPatterns) EXPECT_TRUE(parse_policy(with_mx(pattern))) << pattern;
}

// RFC 1123 §2.1: only the dotted-decimal form, four octets, is an address.
TEST(Policy, R10NumbersThatAreNoAddressAreHostNames) {
  for (const std::string pattern :
       {"a.1", "mx.example.123", "*.example.0", "0x7g.1", "x.192.0.2.1", "1.2.3.a", "1", "1.2", "1.2.3", "1.2.3.4.5",
        "127.1", "0x7f.1", "0X7F.0.0.1", "0x7f000001", "192.0.2.256", "*.1", "*.2.3.4"})
    EXPECT_TRUE(parse_policy(with_mx(pattern))) << pattern;
}

TEST(Policy, R10RefusesEverythingElse) {
  const std::string kPatterns[] = {
      "b\xc3\xbc"
      "cher.example",
      "mx.example.com.",
      "*.example.com.",
      ".example.com",
      "mx..example.com",
      "*",
      "*.",
      "**.example.com",
      "*.*.example.com",
      "mx*.example.com",
      "mx.*.com",
      "*mx.example.com",
      "a.*",
      "*example.com",
      "192.0.2.1",
      "[192.0.2.1]",
      "*.192.0.2.1",
      "0.0.0.0",
      "255.255.255.255",
      "192.000.002.001",
      "2001:db8::1",
      "[IPv6:2001:db8::1]",
      "mx_1.example.com",
      "-mx.example.com",
      "mx-.example.com",
      "mx.-example.com",
      "mx.example.com, mx2.example.com",
      "mx.example.com mx2.example.com",
      "mx.example.com:25",
      "<mx.example.com>",
      "\"mx.example.com\"",
      "mx.example.com;x",
      "mx.example.com\\",
      "mx.example.com/24",
      "10 mx.example.com",
      "${lookup}",
      "mx|example.com",
      "!mx.example.com",
      std::string(64, 'a') + ".example",
      std::string(300, 'a'),
  };
  for (const std::string& pattern : kPatterns) expect_invalid(with_mx(pattern), "line 4: the mx");
}

TEST(Policy, R10OneBadMxSpoilsThePolicy) {
  expect_invalid(with("mx: good.example.com\nmx: bad_.example.com\n"), "line 6");
}

TEST(Policy, R14NotLongerThan64KiB) {
  std::string body = with("");
  body += "pad: ";
  body += std::string(kMaxPolicyBytes - body.size(), 'x');
  EXPECT_TRUE(parse_policy(body));
  expect_invalid(body + "x", "64 KiB");
}

TEST(Policy, R32ReportsTheLinesOfTheFile) {
  EXPECT_THAT(policy_strings("version: STSv1 \r\n\r\nmode: none\n \t\nmax_age: 1"),
              ElementsAre("version: STSv1", "mode: none", "max_age: 1"));
  EXPECT_TRUE(policy_strings("").empty());
}

TEST(Policy, ModesHaveNames) {
  for (const Mode mode : {Mode::kNone, Mode::kTesting, Mode::kEnforce}) EXPECT_EQ(mode_of(mode_name(mode)), mode);
  EXPECT_EQ(mode_of("").error().code, ErrorCode::kPolicyInvalid);
}

}  // namespace
}  // namespace mtasts
