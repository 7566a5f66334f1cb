#include "core/result.h"

#include <gtest/gtest.h>

#include <set>

#include "core/tls_result.h"

namespace mtasts {
namespace {

constexpr ErrorCode kAll[] = {
    ErrorCode::kInvalidName,
    ErrorCode::kDnsFailure,
    ErrorCode::kDnsTimeout,
    ErrorCode::kDnsUnreachable,
    ErrorCode::kPolicyFetch,
    ErrorCode::kPolicyInvalid,
    ErrorCode::kWebPkiInvalid,
    ErrorCode::kStoreUnavailable,
    ErrorCode::kStoreDamaged,
    ErrorCode::kConfig,
    ErrorCode::kDeadline,
    ErrorCode::kNotTried,
    ErrorCode::kLocalFault,
    ErrorCode::kInternal,
    ErrorCode::kStartTlsNotSupported,
    ErrorCode::kCertificateHostMismatch,
    ErrorCode::kCertificateExpired,
    ErrorCode::kCertificateNotTrusted,
    ErrorCode::kValidationFailure,
    ErrorCode::kUnreachable,
};

TEST(Result, EveryErrorHasANameOfItsOwnThatLeadsBackToIt) {
  std::set<std::string_view> names;
  for (const ErrorCode code : kAll) {
    names.insert(error_name(code));
    EXPECT_EQ(error_code(error_name(code)), code);
  }
  EXPECT_EQ(names.size(), std::size(kAll));
  EXPECT_EQ(error_code("unknown").error().code, ErrorCode::kStoreDamaged);
}

TEST(Result, TheNameThatOlderVersionsStoredForAFaultOfOursIsRead) {
  const auto code = error_code("engine");
  ASSERT_TRUE(code);
  EXPECT_TRUE(is_ours(*code));
}

TEST(Result, OursIsWhatSaysNothingAboutThePeer) {
  const std::set<ErrorCode> ours{ErrorCode::kNotTried, ErrorCode::kLocalFault, ErrorCode::kInternal};
  for (const ErrorCode code : kAll) EXPECT_EQ(is_ours(code), ours.contains(code)) << error_name(code);
}

// RFC 8460 §4.3
TEST(Result, R32TheFailuresThatReportsKnowAreTlsrptResultTypes) {
  const std::set<std::string_view> types = {
      "sts-policy-fetch-error",    "sts-policy-invalid",  "sts-webpki-invalid",      "starttls-not-supported",
      "certificate-host-mismatch", "certificate-expired", "certificate-not-trusted", "validation-failure"};
  std::set<std::string_view> known;
  for (const ErrorCode code : kAll) {
    const auto result = tls_result(code);
    EXPECT_EQ(result.has_value(), types.contains(error_name(code))) << error_name(code);
    if (result) known.insert(tls_result_name(*result));
  }
  EXPECT_EQ(known, types);
}

TEST(Result, EscapedLeavesPrintableAsciiAlone) {
  EXPECT_EQ(escaped("text/html; charset=\"utf-8\""), "text/html; charset=\"utf-8\"");
  EXPECT_EQ(escaped(""), "");
}

TEST(Result, EscapedMakesEveryOtherByteVisible) {
  EXPECT_EQ(escaped("a\nb\r\t\\"), "a\\x0ab\\x0d\\x09\\x5c");
  EXPECT_EQ(escaped(std::string_view("\0\x7f\x80\xff", 4)), "\\x00\\x7f\\x80\\xff");
}

TEST(Result, EscapedCutsLongInput) {
  EXPECT_EQ(escaped("abcdef", 6), "abcdef");
  EXPECT_EQ(escaped("abcdefg", 6), "abcdef...");
  EXPECT_EQ(escaped(std::string(300, 'x')), std::string(200, 'x') + "...");
}

}  // namespace
}  // namespace mtasts
