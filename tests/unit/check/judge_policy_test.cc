#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/check/facts.h"

namespace mtasts::check {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class JudgePolicy : public testing::Test {
 protected:
  std::vector<std::string> codes(const std::string& text) {
    serve(facts_, text);
    report_ = judge(facts_, saved_ ? &*saved_ : nullptr, wishes_);
    return codes_in(*report_);
  }
  [[nodiscard]] const Finding& first() const { return report_->findings.at(0); }

  Facts facts_ = good_facts();
  Wishes wishes_;
  std::optional<Saved> saved_;
  std::optional<Report> report_;
};

TEST_F(JudgePolicy, R8LegalFormsAreNoFinding) {
  EXPECT_THAT(codes("version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 2592000\n"), IsEmpty());
  EXPECT_THAT(codes("version: STSv1 \r\nmode: enforce\t\nmx:mx.example.com\nmax_age: 2592000"), IsEmpty());
  EXPECT_THAT(codes("version: STSv1\nmode: enforce\nmx: MX.Example.COM\nmax_age: 2592000\nnote: über\n"), IsEmpty());
  EXPECT_THAT(codes("version: STSv1\nmode: enforce\nmx: *.example.com\nmax_age: 2592000\n"), IsEmpty());
  EXPECT_THAT(codes("version: STSv1\nmode: enforce\nmx: mx.example.com\nmx: *.example.com\nmax_age: 1209600\n"),
              IsEmpty());
}

TEST_F(JudgePolicy, R9WhatIsWrongIsNamedWithItsLine) {
  struct Case {
    std::string text;
    const char* message;
    const char* fix;
  };
  for (const Case& one : std::vector<Case>{
           {"\xef\xbb\xbf" + body(), "line 1 begins with a byte order mark", "without a byte order mark"},
           {"\n <html>", "line 1: it is an HTML page", "static file"},
           {"", "line 1: the file is empty", "static file"},
           {"mode: enforce\nmx: a.example\nmax_age: 5\n", "version is missing", "Add the line \"version: STSv1\""},
           {"version: STSv1\nmx: a.example\nmax_age: 5\n", "mode is missing", "\"mode: testing\""},
           {"version: STSv1\nmode: enforce\nmx: a.example\n", "max_age is missing", "\"max_age: 2592000\""},
           {"version: STSv1\nmode: enforce\nmax_age: 2592000\n", "mx is missing", "\"mx: mx.example.com\""},
           {"version: STSv1\nmode: enforced\nmx: a.example\n", "line 2: ", "Correct line 2 of https://mta-sts."},
           {body("enforce", "+1"), "line 4: ", "Correct line 4"},
           {body("enforce", "2592000", "mx.example.com."), "line 3: ", "Correct line 3"},
           {body("enforce", "2592000", "*.*.example.com"), "line 3: ", "Correct line 3"}}) {
    EXPECT_THAT(codes(one.text), ElementsAre("policy-invalid")) << one.text;
    EXPECT_EQ(first().severity, Severity::kCritical);
    EXPECT_THAT(first().message, HasSubstr(one.message));
    EXPECT_THAT(first().fix, HasSubstr(one.fix));
    EXPECT_THAT(report_->impact, HasSubstr("Senders get no valid policy"));
  }
}

TEST_F(JudgePolicy, ModeNoneIsInformationAndItsRestIsNotJudged) {
  EXPECT_THAT(codes("version: STSv1\nmode: none\nmax_age: 86400\n"), ElementsAre("policy-mode-none"));
  EXPECT_EQ(first().severity, Severity::kInfo);
  EXPECT_EQ(worst(*report_), Severity::kInfo);
  EXPECT_THAT(codes(body("none", "60", "other.example.com")), ElementsAre("policy-mode-none"));
  wishes_.require_enforce = true;
  EXPECT_THAT(codes("version: STSv1\nmode: none\nmax_age: 86400\n"), ElementsAre("policy-mode-none"));
  EXPECT_EQ(first().severity, Severity::kWarning);
}

TEST_F(JudgePolicy, TestingIsInformationAndAWarningAfterNinetyDays) {
  EXPECT_THAT(codes(body("testing", "60")), ElementsAre("policy-testing"));
  EXPECT_EQ(first().severity, Severity::kInfo);
  Facts earlier = good_facts();
  serve(earlier, body("testing"));
  earlier.seen_at = kNow - std::chrono::days(90);
  saved_ = saved_after(std::nullopt, earlier);
  EXPECT_THAT(codes(body("testing")), ElementsAre("policy-testing"));
  EXPECT_EQ(first().severity, Severity::kInfo);
  facts_.seen_at += std::chrono::days(1);
  EXPECT_THAT(codes(body("testing")), ElementsAre("policy-testing"));
  EXPECT_EQ(first().severity, Severity::kWarning);
  EXPECT_THAT(first().message, HasSubstr("91 days"));
}

TEST_F(JudgePolicy, RequireEnforceMakesTestingAWarning) {
  wishes_.require_enforce = true;
  EXPECT_THAT(codes(body("testing")), ElementsAre("policy-testing"));
  EXPECT_EQ(first().severity, Severity::kWarning);
  EXPECT_THAT(codes(body()), IsEmpty());
}

TEST_F(JudgePolicy, AShortMaxAgeCountsInEnforceOnly) {
  EXPECT_THAT(codes(body("enforce", "1209599")), ElementsAre("policy-max-age-short"));
  EXPECT_EQ(first().severity, Severity::kWarning);
  EXPECT_THAT(codes(body("enforce", "86400")), ElementsAre("policy-max-age-short"));
  EXPECT_EQ(first().severity, Severity::kWarning);
  EXPECT_THAT(codes(body("enforce", "86399")), ElementsAre("policy-max-age-short"));
  EXPECT_EQ(first().severity, Severity::kCritical);
  EXPECT_THAT(codes(body("enforce", "1209600")), IsEmpty());
}

TEST_F(JudgePolicy, R9AMaxAgeOverTheBoundIsAWarning) {
  EXPECT_THAT(codes(body("enforce", "31557600")), IsEmpty());
  EXPECT_THAT(codes(body("enforce", "31557601")), ElementsAre("policy-max-age-capped"));
  EXPECT_EQ(first().severity, Severity::kWarning);
  EXPECT_THAT(codes(body("enforce", "9999999999")), ElementsAre("policy-max-age-capped"));
}

TEST_F(JudgePolicy, R36AnMxHostThatNoPatternAllowsIsMissing) {
  facts_.mx.push_back(mx("mx2.example.net"));
  EXPECT_THAT(codes(body()), ElementsAre("policy-mx-missing"));
  EXPECT_EQ(first().severity, Severity::kCritical);
  EXPECT_EQ(first().subject, "mx2.example.net");
  EXPECT_THAT(first().fix, StartsWith("Add the line \"mx: mx2.example.net\""));
  EXPECT_EQ(report_->impact, "Senders refuse to deliver to mx2.example.net and use mx.example.com.");
  EXPECT_THAT(codes(body("testing")), ElementsAre("policy-testing", "policy-mx-missing"));
  EXPECT_EQ(report_->findings[1].severity, Severity::kWarning);
}

TEST_F(JudgePolicy, APatternWithoutAHostIsInformation) {
  const std::string text = body() + "mx: old.example.com\nmx: old.example.com\n";
  EXPECT_THAT(codes(text), ElementsAre("policy-mx-unused"));
  EXPECT_EQ(first().severity, Severity::kInfo);
  EXPECT_EQ(first().subject, "old.example.com");
  facts_.mx_records = failed();
  facts_.mx.clear();
  EXPECT_THAT(codes(text), ElementsAre("record-dns-failure"));
}

TEST_F(JudgePolicy, AWildcardBelowAPublicSuffixIsBroad) {
  facts_.mx = {mx("mx.com"), mx("mx.co.uk"), mx("mx.example.co.uk")};
  EXPECT_THAT(codes(body("enforce", "2592000", "*.com") + "mx: *.co.uk\nmx: *.example.co.uk\n"),
              ElementsAre("policy-mx-broad", "policy-mx-broad"));
  EXPECT_EQ(first().severity, Severity::kWarning);
  EXPECT_EQ(first().subject, "*.co.uk");
}

}  // namespace
}  // namespace mtasts::check
