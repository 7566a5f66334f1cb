#include "core/mx_match.h"

#include "core/ascii.h"

namespace mtasts {

bool mx_matches(std::string_view pattern, std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.empty()) return false;
  if (!pattern.starts_with("*.")) return ascii::equal_ignoring_case(pattern, host);
  const std::size_t dot = host.find('.');
  return dot != std::string_view::npos && dot > 0 && ascii::equal_ignoring_case(pattern.substr(1), host.substr(dot));
}

bool mx_allowed(const std::vector<std::string>& patterns, std::string_view host) {
  return std::ranges::any_of(patterns, [host](const std::string& pattern) { return mx_matches(pattern, host); });
}

}  // namespace mtasts
