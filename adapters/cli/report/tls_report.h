// One report as a sender of mail wrote it (RFC 8460 §4), as far as it is summed up; read from JSON, strictly.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "adapters/cli/report/refusal.h"
#include "core/time.h"

namespace mtasts::report {

// Of sessions. A sum beyond 2^64-1 stays at 2^64-1.
struct Counts {
  std::uint64_t successful = 0;
  std::uint64_t failed = 0;

  friend auto operator<=>(const Counts&, const Counts&) = default;
};

inline std::uint64_t saturating_sum(std::uint64_t a, std::uint64_t b) {
  return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

struct PolicyName {
  std::string type;  // "sts", "tlsa", "no-policy-found", or what else a sender writes
  std::string domain;

  friend auto operator<=>(const PolicyName&, const PolicyName&) = default;
};

// What a report says of one policy.
struct PolicyResult {
  Counts sessions;
  std::map<std::string, std::uint64_t> failures;  // sessions by result type

  friend auto operator<=>(const PolicyResult&, const PolicyResult&) = default;
};

// Texts are UTF-8 of at most 1000 bytes, as the sender wrote them: control characters may be in them. Ordered by
// organization and id, then by start, then by what else they say.
struct TlsReport {
  std::string organization;
  std::string id;
  WallTime start{};
  WallTime end{};
  std::map<PolicyName, PolicyResult> policies;

  friend auto operator<=>(const TlsReport&, const TlsReport&) = default;
};

// Refused: what is no JSON, not UTF-8, or nested deeper than 100; a text longer than 64 KiB; a known key that is
// missing, stands twice or has a value of another type; a count that is not written as a whole number of 0 to 2^64-1; a
// date that parse_date() does not take, or an end before the start; over 10 000 different policies or 1000 result
// types. Unknown keys are passed over. Needs about three times the memory of `json`.
Read<TlsReport> parse_tls_report(std::string_view json);

}  // namespace mtasts::report
