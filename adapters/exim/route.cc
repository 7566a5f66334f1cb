#include "adapters/exim/route.h"

#include <string_view>
#include <vector>

#include "core/mx_match.h"

namespace mtasts {
namespace {

constexpr std::string_view kWildcard = "*.";

// Only these are literal in both an Exim host list and a regular expression; "." is escaped below.
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

// The MX hosts that DANE judges and the policy does not name.
std::vector<std::string> judged_by_dane_alone(const Decision& decision) {
  std::vector<std::string> hosts = decision.dane_hosts;
  std::erase_if(hosts, [&](const std::string& host) { return mx_allowed(decision.mx, host); });
  return hosts;
}

}  // namespace

Result<std::string> route_text(const Decision& decision) {
  if (decision.kind != Decision::Kind::kPolicy || decision.mode == Mode::kNone) return std::string();
  if (decision.mode == Mode::kTesting) return std::string("testing|");
  if (decision.mx.empty()) return fail(ErrorCode::kInternal, "the policy of " + decision.domain + " names no MX");
  std::string others;
  for (const std::string& pattern : decision.mx) {
    const Result<std::string> expression = host_expression(pattern);
    if (!expression) return tl::unexpected(expression.error());
    others += '!' + *expression + " ; ";
  }
  others += '*';
  std::string exceptions;
  std::string by_dane;
  for (const std::string& host : judged_by_dane_alone(decision)) {
    const Result<std::string> expression = host_expression(host);
    if (!expression) return tl::unexpected(expression.error());
    exceptions += '!' + *expression + " ; ";
    by_dane += (by_dane.empty() ? "" : " ; ") + *expression;
  }
  const std::string text = "enforce|" + others;
  return by_dane.empty() ? text : text + '|' + exceptions + others + '|' + by_dane;
}

std::string mode_text(const Decision& decision) {
  if (decision.kind == Decision::Kind::kPolicy && decision.dane == DaneState::kUsable) return "dane";
  return std::string(mode_name(decision.kind == Decision::Kind::kPolicy ? decision.mode : Mode::kNone));
}

}  // namespace mtasts
