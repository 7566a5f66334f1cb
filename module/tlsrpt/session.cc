#include "module/tlsrpt/session.h"

#include <utility>

#include "core/policy.h"

namespace mtasts {

TlsSession sts_session(const Domain& domain, std::string_view policy_body, std::vector<std::string> patterns) {
  TlsSession session{.domain = domain, .policy_domain = domain.text()};
  session.strings = policy_strings(policy_body);
  session.patterns = std::move(patterns);
  return session;
}

std::vector<std::string> unrefused(const TlsSession& session) {
  std::vector<std::string> patterns = session.patterns;
  patterns.insert(patterns.end(), session.dane_hosts.begin(), session.dane_hosts.end());
  return patterns;
}

std::optional<TlsSession> policy_failure(const Domain& domain, const Error& error) {
  const auto result = tls_result(error.code);
  if (!result || *result < TlsResult::kPolicyFetchError) return std::nullopt;
  TlsSession session{.domain = domain, .policy_domain = domain.text(), .result = *result};
  session.reason = error.detail;
  return session;
}

}  // namespace mtasts
