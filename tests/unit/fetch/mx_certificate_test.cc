// The certificate matrix, shown by MX hosts inside STARTTLS. Both TLS libraries must come to the same verdict, by the
// names that TLSRPT has for them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "fetch/fetcher.h"
#include "tests/unit/fetch/certificate_cases.h"
#include "tests/unit/fetch/probing.h"

namespace mtasts {
namespace {

using test::CertificateCase;
using test::lab;
using testing::AnyOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Matcher;

Matcher<ErrorCode> expected(const std::string& refusal) {
  if (refusal == test::kName) return ErrorCode::kCertificateHostMismatch;
  if (refusal == "is expired") return ErrorCode::kCertificateExpired;
  // The one difference: GnuTLS ends the handshake before anything of this program can look.
  if (refusal == test::kUnreadable)
    return fetcher_tls_library() == std::string("gnutls")
               ? Matcher<ErrorCode>(ErrorCode::kValidationFailure)
               : AnyOf(ErrorCode::kCertificateNotTrusted, ErrorCode::kCertificateHostMismatch);
  return ErrorCode::kCertificateNotTrusted;
}

class R25Certificate : public testing::TestWithParam<CertificateCase> {};

// Who sends no SNI is shown the same certificate, at an address of its own.
void expect_verdict(const CertificateCase& shown, MxProber::Sni sni) {
  const std::string refusal = shown.refusal;
  const std::string host = std::string("mta-sts.") + shown.domain;
  const std::string address = test::mx_address(sni == MxProber::Sni::kSent ? "good" : host);
  auto config = test::lab_prober();
  if (*shown.crl != '\0') config.crl_file = lab("DIR") + shown.crl;
  const auto result = test::Probing(config).trial(host, {address}, sni).result;
  if (refusal == test::kAccepted) {
    ASSERT_TRUE(result) << result.error().detail;
    return;
  }
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().code, expected(refusal))
      << error_name(result.error().code) << ": " << result.error().detail;
  EXPECT_THAT(result.error().detail, ContainsRegex(refusal));
  EXPECT_THAT(result.error().detail, HasSubstr(host + " (" + address + ")"));
  EXPECT_EQ(result.error().detail.find('\n'), std::string::npos);
}

TEST_P(R25Certificate, GetsItsVerdict) { expect_verdict(GetParam(), MxProber::Sni::kSent); }

TEST_P(R25Certificate, GetsTheSameVerdictWithoutSni) { expect_verdict(GetParam(), MxProber::Sni::kLeftOut); }

INSTANTIATE_TEST_SUITE_P(Probe, R25Certificate, testing::ValuesIn(test::kCertificateCases),
                         [](const auto& info) { return info.param.name; });

TEST(MxCertificate, R25TheNameIsThatOfTheHostNotOfTheDomain) {
  test::Probing probing(test::lab_prober());
  EXPECT_TRUE(probing.probe("mx.good.test", {test::mx_address("good")}));
  EXPECT_TRUE(probing.probe("a.visited.test", {test::mx_address("good")}));
}

}  // namespace
}  // namespace mtasts
