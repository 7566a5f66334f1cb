// What is told of a TLS session with an MX host, or of a policy that could not be had (RFC 8460 §4.3, R32).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/cache_entry.h"
#include "core/domain.h"
#include "core/ports.h"
#include "core/result.h"
#include "core/tls_result.h"

namespace mtasts {

struct TlsSession {
  enum class PolicyType : int { kTlsa = 1, kSts = 2 };

  Domain domain;  // of the recipients: its record says whether and where reports are wanted
  PolicyType type = PolicyType::kSts;
  std::string policy_domain;            // kTlsa: the MX host, under whose name the TLSA records are
  std::vector<std::string> strings{};   // the policy as it was served, line by line
  std::vector<std::string> patterns{};  // its MX patterns
  // MX hosts that DANE judges (R29), where it matters which ones an enforced policy refuses: not in a report.
  std::vector<std::string> dane_hosts{};
  TlsResult result = TlsResult::kSuccess;
  // Empty where it is not known, or there was no connection; addresses in presentation form.
  std::string own_address{};
  std::string mx_host{};
  std::string mx_helo{};
  std::string mx_address{};
  std::string reason{};  // of a failure: one sentence, escaped
  // The ID of the message, where the MTA tells it. A failure without a connection is told once for it: not in a report.
  std::string message{};
};

// For whom something is asked, as far as the MTA tells. The same one can ask several times.
struct Delivery {
  std::string process{};  // over when it has asked for nothing for a minute
  std::string message{};  // the ID, of however many processes
};

// Under a policy file with these bytes and patterns.
TlsSession sts_session(const Domain& domain, std::string_view policy_body, std::vector<std::string> patterns);

// The patterns of the MX hosts that an enforced policy does not refuse by their names.
std::vector<std::string> unrefused(const TlsSession& session);

// There is a record, and no policy for this reason; nullopt: that is none which RFC 8460 has a result type for.
std::optional<TlsSession> policy_failure(const Domain& domain, const Error& error);

}  // namespace mtasts
