// The certificate matrix, shown by policy hosts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "fetch/fetcher.h"
#include "tests/unit/fetch/certificate_cases.h"
#include "tests/unit/fetch/fetching.h"

namespace mtasts {
namespace {

using test::CertificateCase;
using test::Fetching;
using test::kAccepted;
using test::kUnreadable;
using test::lab;
using test::lab_fetcher;
using testing::ContainsRegex;
using testing::HasSubstr;

constexpr char kNginx[] = "127.0.0.1";

class R12Certificate : public testing::TestWithParam<CertificateCase> {};

TEST_P(R12Certificate, GetsItsVerdict) {
  const std::string refusal = GetParam().refusal;
  auto config = lab_fetcher();
  if (*GetParam().crl != '\0') config.crl_file = lab("DIR") + GetParam().crl;
  const auto result = Fetching(config).fetch(GetParam().domain, {kNginx});
  if (refusal == kAccepted) {
    ASSERT_TRUE(result) << result.error().detail;
    return;
  }
  ASSERT_FALSE(result);
  const bool in_handshake = refusal == kUnreadable && fetcher_tls_library() == std::string("gnutls");
  EXPECT_EQ(result.error().code, in_handshake ? ErrorCode::kPolicyFetch : ErrorCode::kWebPkiInvalid)
      << result.error().detail;
  EXPECT_THAT(result.error().detail, ContainsRegex(refusal));
  EXPECT_EQ(result.error().detail.find('\n'), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Fetch, R12Certificate, testing::ValuesIn(test::kCertificateCases),
                         [](const auto& info) { return info.param.name; });

// A fault of this machine, not of the policy host: a fetch error would mean "no policy" (R16).
TEST(Certificate, AFileOfRevokedCertificatesThatCannotBeReadIsAFaultHere) {
  auto loop = make_event_loop();
  auto config = lab_fetcher();
  for (const char* path : {"/nonexistent/revoked.crl", "/etc/ssl/certs"}) {
    config.crl_file = path;
    const auto fetcher = make_fetcher(**loop, config);
    ASSERT_FALSE(fetcher) << path;
    EXPECT_EQ(fetcher.error().code, ErrorCode::kLocalFault);
    EXPECT_THAT(fetcher.error().detail, HasSubstr(path));
  }
}

TEST(Certificate, AFileWithoutAListIsAFaultHere) {
  auto config = lab_fetcher();
  config.crl_file = "/etc/passwd";
  const auto result = Fetching(config).fetch("good.test", {kNginx});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kLocalFault) << result.error().detail;
  EXPECT_THAT(result.error().detail, HasSubstr("/etc/passwd"));
}

}  // namespace
}  // namespace mtasts
