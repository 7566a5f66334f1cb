// Does a policy allow this MX host name (RFC 8461 §4.1, R24)?
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mtasts {

// `pattern` as in Policy::mx; `host` in any case, with or without a trailing dot. A wildcard stands for exactly one
// label.
bool mx_matches(std::string_view pattern, std::string_view host);

bool mx_allowed(const std::vector<std::string>& patterns, std::string_view host);

}  // namespace mtasts
