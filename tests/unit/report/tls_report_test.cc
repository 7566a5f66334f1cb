#include "adapters/cli/report/tls_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/report/builders.h"

namespace mtasts::report {
namespace {

using namespace std::chrono_literals;
using std::chrono::sys_days;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

std::string reason(const std::string& json) {
  const auto report = parse_tls_report(json);
  return report ? "taken" : report.error().reason;
}
std::string reason_of(const ReportText& text) { return reason(json_of(text)); }
std::string repeated(const std::string& text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

TEST(TlsReport, IsReadAsRfc8460HasIt) {
  const auto report = parse_tls_report(json_of({}));
  ASSERT_TRUE(report) << report.error().reason;
  EXPECT_EQ(report->organization, "Sender Inc.");
  EXPECT_EQ(report->id, "2026-01-31@sender.example");
  EXPECT_EQ(report->start, sys_days{2026y / 1 / 31});
  EXPECT_EQ(report->end, sys_days{2026y / 2 / 1} - 1s);
  const PolicyResult result{{5326, 303}, {{"certificate-expired", 300U}}};
  EXPECT_THAT(report->policies, ElementsAre(Pair(PolicyName{"sts", "our.example"}, result)));
}

TEST(TlsReport, MayHaveUnknownMembersOfAnyKind) {
  EXPECT_EQ(reason_of({.more = R"("x": null, "y": [1.5, -2, true, {"policies": 1, "z": []}], "report-Id": 1e9,)"}),
            "taken");
  EXPECT_EQ(reason_of({.more = R"("a": 1, "a": 2,)"}), "taken");
}

TEST(TlsReport, MayHaveNoPoliciesAndNoFailures) {
  EXPECT_EQ(reason(R"({"organization-name":"","report-id":"","date-range":{"start-datetime":"2026-01-31T00:00:00Z",
      "end-datetime":"2026-01-31T00:00:00Z"},"policies":[]})"),
            "taken");
  EXPECT_EQ(reason(R"({"organization-name":"","report-id":"","date-range":{"start-datetime":"2026-01-31T00:00:00Z",
      "end-datetime":"2026-01-31T00:00:00Z"},"policies":[{"policy":{"policy-type":"sts","policy-domain":"x",
      "policy-string":"one text","mx-host":null},"failure-details":null,
      "summary":{"total-successful-session-count":1,"total-failure-session-count":0}}]})"),
            "taken");
}

// The members of an object have no order (RFC 8259 §4), and a policy may have several entries.
TEST(TlsReport, FailuresAreThoseOfTheirPolicyWhereverItIsNamed) {
  const auto entry = [](const std::string& domain, const std::string& failed) {
    return R"({"failure-details":[{"failed-session-count":)" + failed + R"(,"result-type":"x"}],"summary":)" +
           R"({"total-successful-session-count":1,"total-failure-session-count":)" + failed +
           R"(},"policy":{"policy-type":"sts","policy-domain":")" + domain + R"("}})";
  };
  const auto report =
      parse_tls_report(R"({"policies":[)" + entry("a", "1") + "," + entry("b", "2") + "," + entry("a", "4") +
                       R"(],"organization-name":"","report-id":"","date-range":)" +
                       R"({"start-datetime":"2026-01-31T00:00:00Z",)" + R"("end-datetime":"2026-01-31T00:00:00Z"}})");
  ASSERT_TRUE(report) << report.error().reason;
  EXPECT_THAT(report->policies, ElementsAre(Pair(PolicyName{"sts", "a"}, PolicyResult{{2, 5}, {{"x", 5}}}),
                                            Pair(PolicyName{"sts", "b"}, PolicyResult{{1, 2}, {{"x", 2}}})));
}

TEST(TlsReport, MayBeginWithAByteOrderMark) { EXPECT_EQ(reason("\xef\xbb\xbf" + json_of({})), "taken"); }

TEST(TlsReport, CountsAreWholeNumbersOf64Bits) {
  EXPECT_EQ(reason_of({.successful = "0"}), "taken");
  const auto most = parse_tls_report(json_of({.successful = "18446744073709551615"}));
  ASSERT_TRUE(most);
  EXPECT_EQ(most->policies.begin()->second.sessions.successful, UINT64_MAX);
  for (const char* count : {"-1", "-0", "1.0", "0.5", "1e3", "18446744073709551616", "1e400", "\"5\"", "null", "true",
                            "[1]", "{}", "99999999999999999999999999"}) {
    EXPECT_NE(reason_of({.successful = count}), "taken") << count;
    EXPECT_NE(reason_of({.failed = count}), "taken") << count;
    EXPECT_NE(reason_of({.sessions = count}), "taken") << count;
  }
  EXPECT_EQ(reason_of({.failed = "-1"}),
            "'total-failure-session-count' is not a whole number from 0 to 18446744073709551615");
  for (const char* count : {"01", "+1", "0x1", "1_000", "NaN", "Infinity", ""})
    EXPECT_THAT(reason_of({.failed = count}), HasSubstr("no valid JSON")) << count;
}

TEST(TlsReport, SumsOfOnePolicyDoNotOverflow) {
  std::string twice = json_of({.successful = "18446744073709551615"});
  const std::size_t entry = twice.find("[{\"policy\"") + 1;
  const std::string text = twice.substr(entry, twice.size() - 2 - entry);
  twice.insert(entry, text + ",");
  const auto report = parse_tls_report(twice);
  ASSERT_TRUE(report) << report.error().reason;
  const PolicyResult result{{UINT64_MAX, 606}, {{"certificate-expired", 600}}};
  EXPECT_THAT(report->policies, ElementsAre(Pair(PolicyName{"sts", "our.example"}, result)));
}

TEST(TlsReport, TypesAreTheOnesOfTheStandard) {
  for (const char* wrong : {"1", "null", "[]", "{}", "true", "[\"x\"]"}) {
    EXPECT_EQ(reason_of({.organization = wrong}), "'organization-name' is not a text") << wrong;
    EXPECT_EQ(reason_of({.id = wrong}), "'report-id' is not a text") << wrong;
    EXPECT_EQ(reason_of({.start = wrong}), "'start-datetime' is not a text") << wrong;
    EXPECT_EQ(reason_of({.type = wrong}), "'policy-type' is not a text") << wrong;
    EXPECT_EQ(reason_of({.domain = wrong}), "'policy-domain' is not a text") << wrong;
    EXPECT_EQ(reason_of({.result_type = wrong}), "'result-type' is not a text") << wrong;
  }
  EXPECT_EQ(reason_of({.more = R"("policies": {},)"}), "'policies' is not an array");
  EXPECT_EQ(reason_of({.more = R"("policies": [null],)"}), "'policies' is not an object");
  EXPECT_EQ(reason_of({.more = R"("policies": [[]],)"}), "'policies' is not an object");
  EXPECT_EQ(reason_of({.more = R"("date-range": "today",)"}), "'date-range' is not an object");
  EXPECT_EQ(reason_of({.more = R"("policies": [{"policy": {"policy-string": [1]}}],)"}),
            "'policy-string' is not a text");
  for (const char* root : {"[]", "null", "1", "\"x\"", "true", "[{}]"})
    EXPECT_EQ(reason(std::string(root)), "'the report' is not an object") << root;
}

TEST(TlsReport, NeedsItsMembersOnce) {
  EXPECT_EQ(reason("{}"), "'organization-name' is missing");
  EXPECT_EQ(reason_of({.more = R"("report-id": "other",)"}), "'report-id' stands twice in one object");
  EXPECT_EQ(reason_of({.more = R"("date-range": {"end-datetime": "2026-01-31T00:00:00Z"},)"}),
            "'start-datetime' is missing");
  EXPECT_EQ(reason_of({.more = R"("policies": [{}],)"}), "'policy' is missing");
  EXPECT_EQ(reason_of({.more = R"("policies": [{"policy": {"policy-type": "sts"}}],)"}), "'policy-domain' is missing");
  EXPECT_EQ(reason_of({.more = R"("policies": [{"failure-details": [{"result-type": "x"}]}],)"}),
            "'failed-session-count' is missing");
}

TEST(TlsReport, DatesAreOfThisCenturyAndInOrder) {
  EXPECT_THAT(reason_of({.start = "\"1999-01-31T00:00:00Z\""}),
              HasSubstr("'start-datetime' is no date of this century"));
  EXPECT_THAT(reason_of({.end = "\"2100-01-31T00:00:00Z\""}), HasSubstr("'end-datetime' is no date of this century"));
  EXPECT_THAT(reason_of({.end = "\"\\u001b[31m\""}), HasSubstr("00Z: \\x1b[31m")) << "what a stranger wrote is escaped";
  EXPECT_EQ(reason_of({.end = "\"2026-01-30T00:00:00Z\""}), "'date-range' ends before it begins");
}

TEST(TlsReport, IsUtf8) {
  EXPECT_EQ(reason_of({.organization = "\"M\xc3\xbcller\""}), "taken");
  for (const char* wrong : {"\"M\xfcller\"", "\"\xed\xa0\x80\"", "\"\xc0\x80\"", "\"\xf5\x80\x80\x80\""})
    EXPECT_EQ(reason_of({.organization = wrong}), "not UTF-8") << wrong;
  EXPECT_THAT(reason_of({.organization = R"("\ud800")"}), HasSubstr("no valid JSON")) << "half a surrogate pair";
}

TEST(TlsReport, IsJsonToTheLastByte) {
  const std::string whole = json_of({});
  for (std::size_t size = 1; size < whole.size(); size += 7)
    EXPECT_EQ(reason(whole.substr(0, size)), "the JSON text is cut off") << size;
  EXPECT_THAT(reason(whole + "{}"), HasSubstr("no valid JSON at byte"));
  EXPECT_THAT(reason(whole + std::string(1, '\0')), HasSubstr("no valid JSON at byte"));
  EXPECT_THAT(reason("{'a': 1}"), HasSubstr("no valid JSON at byte 2"));
  EXPECT_THAT(reason_of({.more = "/* comment */"}), HasSubstr("no valid JSON"));
  EXPECT_THAT(reason_of({.organization = "\"a\nb\""}), HasSubstr("no valid JSON")) << "a control character as it is";
}

TEST(TlsReport, IsNestedAHundredDeepAtMost) {
  const auto nested = [](std::size_t depth) {
    return ReportText{.more = "\"x\": " + repeated("[", depth - 1) + repeated("]", depth - 1) + ","};
  };
  EXPECT_EQ(reason_of(nested(100)), "taken");
  EXPECT_EQ(reason_of(nested(101)), "nested deeper than 100");
  EXPECT_EQ(reason_of(nested(1'000'000)), "nested deeper than 100");
  EXPECT_EQ(reason(repeated("{\"a\":", 200'000)), "nested deeper than 100");
}

TEST(TlsReport, TextsAreBounded) {
  const std::string megabyte(1'000'000, 'a');
  EXPECT_EQ(reason_of({.organization = "\"" + std::string(1000, 'a') + "\""}), "taken");
  EXPECT_EQ(reason_of({.organization = "\"" + std::string(1001, 'a') + "\""}),
            "'organization-name' is longer than 1000 bytes");
  EXPECT_EQ(reason_of({.id = "\"" + megabyte + "\""}), "a text is longer than 64 KiB");
  EXPECT_EQ(reason_of({.more = "\"unknown\": \"" + megabyte + "\","}), "a text is longer than 64 KiB");
  EXPECT_EQ(reason_of({.more = "\"" + megabyte + "\": 1,"}), "a key is longer than 64 KiB");
}

TEST(TlsReport, HasABoundedNumberOfPoliciesAndResultTypes) {
  std::string failures;
  std::string policies;
  for (int i = 0; i <= 10'000; ++i) {
    const std::string name = "\"" + std::to_string(i) + "\"";
    failures += (i == 0 ? "" : ",") + (R"({"result-type":)" + name + R"(,"failed-session-count":1})");
    policies +=
        (i == 0 ? "" : ",") + (R"({"policy":{"policy-type":"sts","policy-domain":)" + name +
                               R"(},"summary":{"total-successful-session-count":1,"total-failure-session-count":1}})");
  }
  EXPECT_EQ(reason_of({.more = "\"policies\": [" + policies + "],"}), "more than 10000 different policies");
  EXPECT_EQ(reason_of({.more = R"("policies": [{"failure-details": [)" + failures + "]}],"}),
            "more than 1000 different result types");
}

}  // namespace
}  // namespace mtasts::report
