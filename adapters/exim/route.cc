#include "adapters/exim/route.h"

#include <string_view>

namespace mtasts {
namespace {

constexpr std::string_view kWildcard = "*.";

// Nothing else has no meaning of its own in a host list or in a regular expression.
bool is_harmless(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'; }

// The regular expression for an exact name. Exim compares it with the MX host name as DNS gave it: any case, and with a
// trailing dot in some releases.
Result<std::string> host_expression(std::string_view pattern) {
  std::string expression = "^(?i)";
  std::string_view name = pattern;
  if (name.substr(0, kWildcard.size()) == kWildcard) {
    expression += "[^.]+\\.";
    name.remove_prefix(kWildcard.size());
  }
  if (name.empty()) return fail(ErrorCode::kInternal, "a policy has an empty MX pattern");
  for (const char c : name) {
    if (!is_harmless(c)) {
      return fail(ErrorCode::kInternal, "the MX pattern " + escaped(pattern) + " is not a host name");
    }
    if (c == '.') expression += '\\';
    expression += c;
  }
  return expression + "\\.?$";
}

}  // namespace

Result<std::string> route_text(const Decision& decision) {
  if (decision.kind != Decision::Kind::kPolicy || decision.mode == Mode::kNone) return std::string();
  if (decision.mode == Mode::kTesting) return std::string("testing|");
  if (decision.mx.empty()) return fail(ErrorCode::kInternal, "the policy of " + decision.domain + " names no MX");
  std::string text = "enforce|";
  for (const std::string& pattern : decision.mx) {
    const Result<std::string> expression = host_expression(pattern);
    if (!expression) return tl::unexpected(expression.error());
    text += '!' + *expression + " ; ";
  }
  return text + '*';
}

std::string mode_text(const Decision& decision) {
  if (decision.kind == Decision::Kind::kPolicy && decision.dane == DaneState::kUsable) return "dane";
  return std::string(mode_name(decision.kind == Decision::Kind::kPolicy ? decision.mode : Mode::kNone));
}

}  // namespace mtasts
