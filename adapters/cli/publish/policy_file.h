// The bytes of a policy file (RFC 8461 §3.2).
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "core/policy.h"

namespace mtasts::publish {

// Lines end with CRLF; there is no other byte. Mode none has no mx lines.
std::string policy_file(Mode mode, std::chrono::seconds max_age, const std::vector<std::string>& mx);

}  // namespace mtasts::publish
