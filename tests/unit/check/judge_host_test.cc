#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/check/facts.h"

namespace mtasts::check {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class JudgeHost : public testing::Test {
 protected:
  std::vector<std::string> codes() {
    report_ = judge(facts_, nullptr, wishes_);
    return codes_in(*report_);
  }
  [[nodiscard]] const Finding& first() const { return report_->findings.at(0); }
  HttpFact& http() { return facts_.host.at(0).http; }
  CertificateFact& certificate() { return *facts_.host.at(0).tls.certificate; }
  // What a web server answers to everybody.
  void answer(const HttpFact& fact) {
    http() = fact;
    facts_.host.at(0).other_agent = fact;
  }

  Facts facts_ = good_facts();
  Wishes wishes_;
  std::optional<Report> report_;
};

TEST_F(JudgeHost, WithoutAnAddressThereIsNoPolicy) {
  facts_.host.clear();
  for (const DnsFact& none : {no_name(), no_data()}) {
    facts_.host_addresses = none;
    EXPECT_THAT(codes(), ElementsAre("host-no-address"));
    EXPECT_EQ(first().severity, Severity::kCritical);
    EXPECT_EQ(first().subject, "mta-sts.example.com");
    EXPECT_THAT(report_->impact, HasSubstr("Senders get no valid policy"));
  }
  facts_.host_addresses = failed();
  EXPECT_THAT(codes(), ElementsAre("record-dns-failure"));
}

TEST_F(JudgeHost, OneDeadAddressOfTwoIsAFinding) {
  PolicyAddressFact dead;
  dead.address = "2001:db8::1";
  dead.error = "connection refused";
  facts_.host.push_back(dead);
  EXPECT_THAT(codes(), ElementsAre("host-unreachable"));
  EXPECT_EQ(first().subject, "2001:db8::1");
  EXPECT_EQ(first().severity, Severity::kCritical);
  EXPECT_THAT(first().message, HasSubstr("connection refused"));
  EXPECT_THAT(first().fix, HasSubstr("AAAA records"));
  EXPECT_THAT(report_->impact, HasSubstr("get no policy"));
}

TEST_F(JudgeHost, WhatCouldNotBeTriedFromHereIsUnknown) {
  PolicyAddressFact untried;
  untried.address = "2001:db8::1";
  untried.not_tried = "there is no IPv6 here";
  facts_.host.push_back(untried);
  EXPECT_THAT(codes(), ElementsAre("host-unreachable"));
  EXPECT_EQ(first().severity, Severity::kUnknown);
  facts_.host.erase(facts_.host.begin());
  EXPECT_THAT(codes(), ElementsAre("host-unreachable"));
  EXPECT_THAT(report_->impact, HasSubstr("could not be found out"));
}

TEST_F(JudgeHost, WithoutTlsOrAnAnswerItIsUnreachable) {
  facts_.host[0].tls = {};
  facts_.host[0].tls.error = "handshake failure";
  EXPECT_THAT(codes(), ElementsAre("host-unreachable"));
  facts_ = good_facts();
  answer({});
  http().error = "the connection was closed";
  EXPECT_THAT(codes(), ElementsAre("host-unreachable"));
}

TEST_F(JudgeHost, R11OldTlsIsCritical) {
  facts_.host[0].tls = {};
  facts_.host[0].tls.is_too_old = true;
  EXPECT_THAT(codes(), ElementsAre("host-tls-old"));
  EXPECT_EQ(first().severity, Severity::kCritical);
}

TEST_F(JudgeHost, R12EachFaultOfACertificateHasItsCode) {
  certificate().is_for_another_name = true;
  certificate().names = {"www.example.net"};
  EXPECT_THAT(codes(), ElementsAre("host-certificate-name"));
  EXPECT_THAT(first().message, HasSubstr("www.example.net"));
  facts_ = good_facts();
  certificate().is_expired = true;
  EXPECT_THAT(codes(), ElementsAre("host-certificate-expired"));
  facts_ = good_facts();
  certificate().is_untrusted = true;
  certificate().detail = "self-signed certificate";
  EXPECT_THAT(codes(), ElementsAre("host-certificate-untrusted"));
  EXPECT_THAT(first().message, HasSubstr("self-signed"));
  facts_ = good_facts();
  certificate().has_only_common_name = true;
  EXPECT_THAT(codes(), ElementsAre("host-certificate-cn-only"));
  EXPECT_EQ(first().severity, Severity::kCritical);
  certificate().is_expired = true;
  EXPECT_THAT(codes(), ElementsAre("host-certificate-expired", "host-certificate-cn-only"));
}

TEST_F(JudgeHost, R12SaysOfAnEndedCertificateWhenItEndedAndOfAnotherOnlyWhatIsKnown) {
  certificate().is_expired = true;
  certificate().not_after = kNow;
  codes();
  EXPECT_EQ(first().message, "the certificate ended at 2025-11-24T16:00:00Z");
  certificate().not_after = kNow + std::chrono::seconds(1);
  certificate().detail = "not valid yet";
  codes();
  EXPECT_EQ(first().message, "the certificate or one above it has ended or is not valid yet (not valid yet)");
}

TEST_F(JudgeHost, BehindABadCertificateNothingIsJudged) {
  certificate().is_untrusted = true;
  answer({404, "", "text/html", "<html>", false, std::chrono::seconds(12), ""});
  EXPECT_THAT(codes(), ElementsAre("host-certificate-untrusted"));
}

TEST_F(JudgeHost, ACertificateAboutToExpireIsAWarning) {
  certificate().not_after = kNow + std::chrono::days(13) + std::chrono::hours(23);
  EXPECT_THAT(codes(), ElementsAre("host-certificate-expiring"));
  EXPECT_EQ(first().severity, Severity::kWarning);
  EXPECT_THAT(first().message, HasSubstr("in 13 days"));
  certificate().not_after = kNow + std::chrono::days(14);
  EXPECT_THAT(codes(), IsEmpty());
  wishes_.expiring_under = std::chrono::days(15);
  EXPECT_THAT(codes(), ElementsAre("host-certificate-expiring"));
}

TEST_F(JudgeHost, R13AnyOtherStatusIsNoPolicy) {
  for (const long status : {301L, 302L, 307L, 308L}) {
    answer({status, "https://www.example.com/", "text/html", "<html>", false, {}, ""});
    EXPECT_THAT(codes(), ElementsAre("host-redirect"));
    EXPECT_THAT(first().message, HasSubstr("https://www.example.com/"));
  }
  for (const long status : {404L, 500L, 204L}) {
    answer({status, "", "text/html", "<html>", false, {}, ""});
    EXPECT_THAT(codes(), ElementsAre("host-status"));
    EXPECT_THAT(first().message, HasSubstr(std::to_string(status)));
    EXPECT_EQ(first().severity, Severity::kCritical);
  }
}

TEST_F(JudgeHost, R13TheMediaTypeIsTextPlain) {
  for (const char* type : {"text/plain", "Text/Plain; charset=UTF-8", "text/plain ;x=y"}) {
    http().content_type = type;
    EXPECT_THAT(codes(), IsEmpty()) << type;
  }
  for (const char* type : {"", "text/html", "text/plainer", "application/octet-stream"}) {
    http().content_type = type;
    EXPECT_THAT(codes(), ElementsAre("host-content-type")) << type;
    EXPECT_EQ(first().severity, Severity::kCritical);
  }
}

TEST_F(JudgeHost, AnHtmlPageIsTwoFindings) {
  answer({200, "", "text/html", "<!DOCTYPE html>\n<html></html>", false, {}, ""});
  EXPECT_THAT(codes(), ElementsAre("host-content-type", "policy-invalid"));
  EXPECT_THAT(report_->findings[1].message, HasSubstr("HTML page"));
}

TEST_F(JudgeHost, R14TooLargeIsCriticalAndNotReadFurther) {
  answer({200, "", "text/plain", std::string(65'536, 'x'), true, {}, ""});
  EXPECT_THAT(codes(), ElementsAre("host-too-large"));
}

TEST_F(JudgeHost, SlowIsAWarningAndCriticalOverAMinute) {
  http().took = std::chrono::seconds(10);
  EXPECT_THAT(codes(), IsEmpty());
  http().took = std::chrono::milliseconds(10'100);
  EXPECT_THAT(codes(), ElementsAre("host-slow"));
  EXPECT_EQ(first().severity, Severity::kWarning);
  http().took = std::chrono::milliseconds(60'001);
  EXPECT_THAT(codes(), ElementsAre("host-slow"));
  EXPECT_EQ(first().severity, Severity::kCritical);
  answer({0, "", "", "", false, std::chrono::seconds(60), "timeout"});
  EXPECT_THAT(codes(), ElementsAre("host-slow"));
  EXPECT_EQ(first().severity, Severity::kCritical);
}

TEST_F(JudgeHost, AddressesThatServeDifferentFilesAreOneFinding) {
  facts_.host.push_back(policy_address("2001:db8::1", body("enforce", "1300000")));
  EXPECT_THAT(codes(), ElementsAre("host-body-differs"));
  EXPECT_EQ(first().severity, Severity::kCritical);
  EXPECT_THAT(first().message, AllOf(HasSubstr("192.0.2.1"), HasSubstr("2001:db8::1")));
}

TEST_F(JudgeHost, WhoeverServesABrowserSomethingElseIsWarned) {
  facts_.host[0].other_agent->body = body("testing");
  EXPECT_THAT(codes(), ElementsAre("host-user-agent"));
  EXPECT_EQ(first().severity, Severity::kWarning);
  facts_ = good_facts();
  http().status = 403;
  EXPECT_THAT(codes(), ElementsAre("host-status", "host-user-agent"));
  facts_ = good_facts();
  facts_.host[0].other_agent = HttpFact{0, "", "", "", false, {}, "timeout"};
  EXPECT_THAT(codes(), IsEmpty());
}

}  // namespace
}  // namespace mtasts::check
