// The result types of RFC 8460 §4.3: what became of a TLS session with an MX host, or why there was no policy (R32).
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "core/result.h"

namespace mtasts {

// The numbers are those of libtlsrpt.
enum class TlsResult : int {
  kSuccess = 0,
  kStartTlsNotSupported = 201,
  kCertificateHostMismatch = 202,
  kCertificateNotTrusted = 203,
  kCertificateExpired = 204,
  kValidationFailure = 205,
  kPolicyFetchError = 301,
  kPolicyInvalid = 302,
  kWebPkiInvalid = 303,
  kTlsaInvalid = 304,
  kDnssecInvalid = 305,
  kDaneRequired = 306,
};

struct TlsResultType {
  TlsResult result;
  std::string_view name;
};

// The failures. The one place where their names are written: error_name() and all that logs or reports take them here.
inline constexpr auto kTlsResultTypes = std::to_array<TlsResultType>({
    {TlsResult::kStartTlsNotSupported, "starttls-not-supported"},
    {TlsResult::kCertificateHostMismatch, "certificate-host-mismatch"},
    {TlsResult::kCertificateNotTrusted, "certificate-not-trusted"},
    {TlsResult::kCertificateExpired, "certificate-expired"},
    {TlsResult::kValidationFailure, "validation-failure"},
    {TlsResult::kPolicyFetchError, "sts-policy-fetch-error"},
    {TlsResult::kPolicyInvalid, "sts-policy-invalid"},
    {TlsResult::kWebPkiInvalid, "sts-webpki-invalid"},
    {TlsResult::kTlsaInvalid, "tlsa-invalid"},
    {TlsResult::kDnssecInvalid, "dnssec-invalid"},
    {TlsResult::kDaneRequired, "dane-required"},
});

// "certificate-expired"; empty for kSuccess, which RFC 8460 does not name.
constexpr std::string_view tls_result_name(TlsResult result) {
  for (const TlsResultType& type : kTlsResultTypes) {
    if (type.result == result) return type.name;
  }
  return {};
}

// By its name; nullopt: RFC 8460 has no such type.
std::optional<TlsResult> tls_result(std::string_view name);
// nullopt: RFC 8460 has no type for this error.
std::optional<TlsResult> tls_result(ErrorCode code);
// Is it the number of a TlsResult?
bool is_tls_result(int number);

}  // namespace mtasts
