// Any policy file (R8-R10, R14).
#include <algorithm>

#include "core/mx_match.h"
#include "core/policy.h"
#include "tests/fuzz/fuzz.h"

using mtasts::Mode;
using mtasts::parse_policy;
using mtasts::Policy;
using mtasts::fuzz::require;

namespace {

void check_mx(std::string pattern) {
  const bool wildcard = pattern.starts_with("*.");
  if (wildcard) pattern.erase(0, 2);
  require(!pattern.empty() && pattern.size() <= 253, "the size of an mx");
  require(std::ranges::all_of(
              pattern, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'; }),
          "nothing in an mx that a host's language could take for an attribute");
  require(mtasts::mx_matches(pattern, pattern), "a name matches itself");
  if (!wildcard) return;
  require(mtasts::mx_matches("*." + pattern, "a." + pattern), "a wildcard matches one label");
  require(!mtasts::mx_matches("*." + pattern, pattern), "a wildcard does not match no label");
  require(!mtasts::mx_matches("*." + pattern, "a.b." + pattern), "a wildcard does not match two labels");
}

// The policy as its owner should have written it.
std::string written(const Policy& policy) {
  std::string body = "version: STSv1\nmode: " + std::string(mtasts::mode_name(policy.mode)) + '\n';
  for (const std::string& mx : policy.mx) body += "mx: " + mx + '\n';
  return body + "max_age: " + std::to_string(policy.max_age.count()) + '\n';
}

void check(const Policy& policy, std::string_view body) {
  require(body.size() <= mtasts::kMaxPolicyBytes, "R14");
  require(policy.max_age.count() >= 0 && policy.max_age <= mtasts::kMaxPolicyAge, "R9: the age");
  require(policy.mode == Mode::kNone || !policy.mx.empty(), "R9: an mx");
  for (const std::string& mx : policy.mx) check_mx(mx);

  const std::string own = written(policy);  // may be longer than what was read, which had fewer spaces
  require(own.size() > mtasts::kMaxPolicyBytes || parse_policy(own) == policy, "a policy can be written again");
  std::string lines;
  for (const std::string& line : mtasts::policy_strings(body)) lines += line + '\n';
  require(lines.size() > mtasts::kMaxPolicyBytes || parse_policy(lines) == policy, "its lines are the policy");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body = mtasts::fuzz::text(data, size);
  const auto policy = parse_policy(body);
  if (policy) {
    check(*policy, body);
  } else {
    require(policy.error().code == mtasts::ErrorCode::kPolicyInvalid, "the code of an error");
    require(mtasts::fuzz::is_one_line(policy.error().detail), "an error is one line");
  }
  return 0;
}
