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

TEST_P(R25Certificate, GetsItsVerdict) {
  const std::string refusal = GetParam().refusal;
  const std::string host = std::string("mta-sts.") + GetParam().domain;
  auto config = test::lab_prober();
  if (*GetParam().crl != '\0') config.crl_file = lab("DIR") + GetParam().crl;
  const auto result = test::Probing(config).probe(host, {test::mx_address("good")});
  if (refusal == test::kAccepted) {
    ASSERT_TRUE(result) << result.error().detail;
    return;
  }
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().code, expected(refusal))
      << error_name(result.error().code) << ": " << result.error().detail;
  EXPECT_THAT(result.error().detail, ContainsRegex(refusal));
  EXPECT_THAT(result.error().detail, HasSubstr(host + " (" + test::mx_address("good") + ")"));
  EXPECT_EQ(result.error().detail.find('\n'), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Probe, R25Certificate, testing::ValuesIn(test::kCertificateCases),
                         [](const auto& info) { return info.param.name; });

TEST(MxCertificate, R25TheNameIsThatOfTheHostNotOfTheDomain) {
  test::Probing probing(test::lab_prober());
  EXPECT_TRUE(probing.probe("mx.good.test", {test::mx_address("good")}));
  EXPECT_TRUE(probing.probe("a.visited.test", {test::mx_address("good")}));
}

}  // namespace
}  // namespace mtasts
