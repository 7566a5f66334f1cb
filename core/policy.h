// The policy file (RFC 8461 §3.2, R8-R10).
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace mtasts {

enum class Mode { kNone, kTesting, kEnforce };

std::string_view mode_name(Mode mode);  // "none", "testing", "enforce"
Result<Mode> mode_of(std::string_view name);

inline constexpr std::chrono::seconds kMaxPolicyAge{31'557'600};  // R9
inline constexpr std::size_t kMaxPolicyBytes = 65'536;            // R14

struct Policy {
  Mode mode = Mode::kNone;
  std::chrono::seconds max_age{0};  // already capped at kMaxPolicyAge (R9)
  std::vector<std::string> mx;  // lower case A-labels, or "*." and such a name (R10); may be empty only in mode none

  friend bool operator==(const Policy&, const Policy&) = default;
};

// Error kPolicyInvalid names the line and what is wrong. `body`: the exact bytes of the HTTP body.
Result<Policy> parse_policy(std::string_view body);

// The lines of a policy file as TLSRPT reports them (`policy-string`, R32): without line ends, blank lines left out.
std::vector<std::string> policy_strings(std::string_view body);

}  // namespace mtasts
