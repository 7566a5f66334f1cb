#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/check/facts.h"

namespace mtasts::check {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class JudgeMx : public testing::Test {
 protected:
  std::vector<std::string> codes() {
    report_ = judge(facts_, nullptr, wishes_);
    return codes_in(*report_);
  }
  // Of the code that is expected, and of it alone, by the mode of the policy.
  void expect_by_mode(const std::string& code, Severity enforce, Severity testing, Severity none) {
    serve(facts_, body());
    EXPECT_THAT(codes(), ElementsAre(code));
    EXPECT_EQ(report_->findings.at(0).severity, enforce);
    serve(facts_, body("testing"));
    EXPECT_THAT(codes(), ElementsAre("policy-testing", code));
    EXPECT_EQ(report_->findings.at(1).severity, testing);
    serve(facts_, body("none"));
    EXPECT_THAT(codes(), ElementsAre("policy-mode-none", code));
    EXPECT_EQ(report_->findings.at(1).severity, none);
    serve(facts_, "no policy");
    EXPECT_THAT(codes(), ElementsAre("policy-invalid", code));
    EXPECT_EQ(report_->findings.at(1).severity, testing);
  }
  MxAddressFact& session() { return facts_.mx.at(0).sessions.at(0); }
  CertificateFact& certificate() { return *session().tls.certificate; }
  [[nodiscard]] const Finding& first() const { return report_->findings.at(0); }

  Facts facts_ = good_facts();
  Wishes wishes_;
  std::optional<Report> report_;
};

TEST_F(JudgeMx, WithoutAnMxTheDomainItselfIsJudged) {
  facts_.mx_records = no_data();
  facts_.mx = {mx("example.com")};
  serve(facts_, body("enforce", "2592000", "example.com"));
  EXPECT_THAT(codes(), ElementsAre("mx-absent"));
  EXPECT_EQ(first().severity, Severity::kWarning);
  session().offers_starttls = false;
  EXPECT_THAT(codes(), ElementsAre("mx-absent", "mx-no-starttls"));
}

TEST_F(JudgeMx, ANullMxBesideAPolicyIsOneWarning) {
  facts_.is_null_mx = true;
  facts_.mx_records = found({"0 ."});
  facts_.mx.clear();
  EXPECT_THAT(codes(), ElementsAre("mx-null"));
  EXPECT_EQ(first().severity, Severity::kWarning);
}

TEST_F(JudgeMx, AnAliasIsAWarning) {
  facts_.mx[0].alias = {AliasFact::Kind::kAlias, {"host.example.net"}};
  EXPECT_THAT(codes(), ElementsAre("mx-cname"));
  EXPECT_EQ(first().severity, Severity::kWarning);
  EXPECT_THAT(first().message, HasSubstr("host.example.net"));
}

TEST_F(JudgeMx, WhoeverDoesNotAnswerAtAnyAddressIsUnknown) {
  session() = {};
  session().address = "192.0.2.25";
  session().error = "connection timed out";
  EXPECT_THAT(codes(), ElementsAre("mx-unreachable"));
  EXPECT_EQ(first().severity, Severity::kUnknown);
  EXPECT_THAT(first().message, HasSubstr("connection timed out"));
  EXPECT_EQ(exit_code(worst(*report_)), 3);
  facts_.mx[0].sessions.push_back(mx_address("mx.example.com", "192.0.2.26"));
  EXPECT_THAT(codes(), IsEmpty());
}

TEST_F(JudgeMx, ANameWithoutAnAddressIsUnreachableAndOneThatDnsKeepsIsUnknown) {
  facts_.mx[0].sessions.clear();
  facts_.mx[0].addresses = no_name();
  EXPECT_THAT(codes(), ElementsAre("mx-unreachable"));
  facts_.mx[0].addresses = failed();
  EXPECT_THAT(codes(), ElementsAre("record-dns-failure"));
  EXPECT_EQ(first().subject, "mx.example.com");
  facts_.mx_records = failed();
  facts_.mx.clear();
  EXPECT_THAT(codes(), ElementsAre("record-dns-failure"));
  EXPECT_EQ(first().subject, "example.com");
}

TEST_F(JudgeMx, R25WithoutStarttlsSendersRefuse) {
  session().offers_starttls = false;
  session().tls = {};
  expect_by_mode("mx-no-starttls", Severity::kCritical, Severity::kWarning, Severity::kInfo);
}

TEST_F(JudgeMx, R25ASessionThatDoesNotComeAboutIsNoStarttls) {
  session().tls = {};
  session().tls.error = "handshake failure";
  expect_by_mode("mx-no-starttls", Severity::kCritical, Severity::kWarning, Severity::kInfo);
  EXPECT_THAT(report_->findings.at(1).message, HasSubstr("handshake failure"));
}

TEST_F(JudgeMx, R25OldTlsHasItsCode) {
  session().tls = {};
  session().tls.is_too_old = true;
  expect_by_mode("mx-tls-old", Severity::kCritical, Severity::kWarning, Severity::kInfo);
}

TEST_F(JudgeMx, R25EachFaultOfACertificateHasItsCode) {
  certificate().is_for_another_name = true;
  expect_by_mode("mx-certificate-name", Severity::kCritical, Severity::kWarning, Severity::kInfo);
  certificate().is_for_another_name = false;
  certificate().is_expired = true;
  expect_by_mode("mx-certificate-expired", Severity::kCritical, Severity::kWarning, Severity::kInfo);
  certificate().is_expired = false;
  certificate().is_untrusted = true;
  expect_by_mode("mx-certificate-untrusted", Severity::kCritical, Severity::kWarning, Severity::kInfo);
  certificate().is_untrusted = false;
  certificate().has_only_common_name = true;
  expect_by_mode("mx-certificate-cn-only", Severity::kCritical, Severity::kWarning, Severity::kInfo);
}

TEST_F(JudgeMx, ACertificateAboutToExpireIsAWarningInEveryModeButNone) {
  certificate().not_after = kNow + std::chrono::days(13);
  expect_by_mode("mx-certificate-expiring", Severity::kWarning, Severity::kWarning, Severity::kInfo);
  wishes_.expiring_under = std::chrono::days(10);
  serve(facts_, body());
  EXPECT_THAT(codes(), IsEmpty());
}

TEST_F(JudgeMx, TheSameFaultAtSeveralAddressesIsOneFindingThatNamesThem) {
  facts_.mx[0].sessions = {mx_address("mx.example.com", "192.0.2.25"), mx_address("mx.example.com", "192.0.2.26"),
                           mx_address("mx.example.com", "192.0.2.27")};
  for (const std::size_t bad : {0U, 1U}) facts_.mx[0].sessions[bad].tls.certificate->is_untrusted = true;
  EXPECT_THAT(codes(), ElementsAre("mx-certificate-untrusted"));
  EXPECT_EQ(first().subject, "mx.example.com");
  EXPECT_THAT(first().message, AllOf(HasSubstr("192.0.2.25"), HasSubstr("192.0.2.26"), Not(HasSubstr("192.0.2.27"))));
}

TEST_F(JudgeMx, R29TlsaRecordsThatDoNotMatchAreCriticalWhateverThePolicySays) {
  session().matches_tlsa = true;
  EXPECT_THAT(codes(), IsEmpty());
  session().matches_tlsa = false;
  serve(facts_, body("none"));
  EXPECT_THAT(codes(), ElementsAre("policy-mode-none", "mx-tlsa-mismatch"));
  EXPECT_EQ(report_->findings[1].severity, Severity::kCritical);
}

TEST_F(JudgeMx, R29AMatchingTlsaRecordDoesNotExcuseTheCertificate) {
  session().matches_tlsa = true;
  certificate().is_untrusted = true;
  EXPECT_THAT(codes(), ElementsAre("mx-certificate-untrusted"));
}

TEST_F(JudgeMx, TheImpactNamesWhoIsRefused) {
  certificate().is_untrusted = true;
  EXPECT_THAT((codes(), report_->impact), HasSubstr("deliver nothing: they refuse mx.example.com"));
  serve(facts_, body("testing"));
  EXPECT_THAT((codes(), report_->impact), HasSubstr("in enforce they would refuse mx.example.com"));
}

// Incomplete never means OK; critical goes first, then warning.
TEST_F(JudgeMx, TheWorstFindingDecidesTheExitCode) {
  facts_.mx.push_back(mx("mx2.example.com"));
  facts_.mx[1].sessions[0].is_reached = false;
  serve(facts_, body("enforce", "2592000", "*.example.com"));
  EXPECT_THAT(codes(), ElementsAre("mx-unreachable"));
  EXPECT_EQ(exit_code(worst(*report_)), 3);
  facts_.tlsrpt = no_data();
  EXPECT_THAT(codes(), ElementsAre("tlsrpt-absent", "mx-unreachable"));
  EXPECT_EQ(exit_code(worst(*report_)), 1);
  session().offers_starttls = false;
  codes();
  EXPECT_EQ(exit_code(worst(*report_)), 2);
  EXPECT_EQ(status_word(worst(*report_)), "critical");
  wishes_.ignored = {"mx-no-starttls", "tlsrpt-absent"};
  EXPECT_THAT(codes(), ElementsAre("mx-unreachable"));
  EXPECT_EQ(status_word(worst(*report_)), "unknown");
}

}  // namespace
}  // namespace mtasts::check
