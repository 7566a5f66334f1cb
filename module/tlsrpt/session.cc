#include "module/tlsrpt/session.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/policy.h"

namespace mtasts {
namespace {

struct Named {
  TlsResult result;
  std::string_view name;
};

constexpr auto kNames = std::to_array<Named>({
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

}  // namespace

std::optional<TlsResult> tls_result(std::string_view name) {
  const auto* const found = std::ranges::find(kNames, name, &Named::name);
  return found == kNames.end() ? std::nullopt : std::optional(found->result);
}

std::optional<TlsResult> tls_result(ErrorCode code) { return tls_result(tlsrpt_result_type(code)); }

bool is_tls_result(int number) {
  return number == 0 ||
         std::ranges::any_of(kNames, [number](const Named& named) { return static_cast<int>(named.result) == number; });
}

TlsSession sts_session(const Domain& domain, std::string_view policy_body, std::vector<std::string> patterns) {
  TlsSession session{.domain = domain, .policy_domain = domain.text()};
  session.strings = policy_strings(policy_body);
  session.patterns = std::move(patterns);
  return session;
}

std::optional<TlsSession> policy_failure(const Domain& domain, const Error& error) {
  const auto result = tls_result(error.code);
  if (!result || *result < TlsResult::kPolicyFetchError) return std::nullopt;
  TlsSession session{.domain = domain, .policy_domain = domain.text(), .result = *result};
  session.reason = error.detail;
  return session;
}

}  // namespace mtasts
