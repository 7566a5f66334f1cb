#include "adapters/socketmap/reply.h"

#include <algorithm>
#include <array>
#include <vector>

#include "core/utf8.h"

namespace mtasts::socketmap {
namespace {

constexpr std::array<std::string_view, kMaps> kMapNames{"postfix", "postfix-tlsrpt", "sts"};
constexpr std::array<std::string_view, kVerdicts> kVerdictNames{"secure", "dane", "notfound", "temp", "perm"};

Map map_of(std::string_view name) {
  if (name == "postfix-tlsrpt") return Map::kPostfixTlsrpt;
  return name == "sts" || name == "sendmail" ? Map::kSendmail : Map::kPostfix;
}

// Without the patterns that have no dot. They match no MX host, and three of them are words of Postfix's own: with
// `match=hostname` it takes the certificate of any MX host, `nexthop` and `dot-nexthop` mean the recipient's domain.
std::vector<std::string> host_patterns(const Decision& decision) {
  std::vector<std::string> patterns = decision.mx;
  std::erase_if(patterns, [](const std::string& pattern) { return pattern.find('.') == std::string::npos; });
  return patterns;
}

// Sendmail cuts a list off at 256 octets, in the middle of a name, and what is left of it may be somebody else's; of a
// much longer one it makes a syntax error. Names that do not fit are left out: their hosts get no mail.
constexpr std::size_t kMaxSendmailList = 220;

// Both servers write a wildcard as a name that begins with a dot.
std::string match_list(Map map, const std::vector<std::string>& patterns) {
  std::string list;
  for (const std::string_view pattern : patterns) {
    const std::string_view name = pattern.starts_with("*.") ? pattern.substr(1) : pattern;
    if (map == Map::kSendmail && list.size() + 1 + name.size() > kMaxSendmailList) continue;
    if (!list.empty()) list += ':';
    list += name;
  }
  return list;
}

// May a line of the policy stand between the braces of an attribute? Postfix takes everything there as it is - commas,
// equals signs, quotes, backslashes - but counts braces: "} {" would begin another attribute, one that has no partner
// makes the reply unusable, and the domain's mail waits. So it does for bytes that are not UTF-8 and for NUL. No valid
// policy has those (R8), but what they would do is too much to rely on that alone.
bool is_attribute_value(std::string_view line) {
  const auto is_harmful = [](char c) { return c == '{' || c == '}' || (c >= 0 && c < ' ' && c != '\t') || c == 0x7f; };
  return line.find_first_not_of(" \t") != std::string_view::npos && std::ranges::none_of(line, is_harmful) &&
         is_utf8(line);
}

// What Postfix 3.10 reports by, and from 3.10.5 on also matches the MX names against.
std::string policy_attributes(const Decision& decision, const std::vector<std::string>& patterns) {
  std::string text = " policy_type=sts policy_domain=" + decision.domain;
  for (const std::string& line : policy_strings(decision.body)) {
    if (is_attribute_value(line)) text += " { policy_string = " + line + " }";
  }
  for (const std::string& pattern : patterns) text += " mx_host_pattern=" + pattern;
  return text;
}

Reply secure(Map map, const Decision& decision) {
  const std::vector<std::string> patterns = host_patterns(decision);
  const std::string list = match_list(map, patterns);
  if (list.empty())
    return temporary("the policy of " + decision.domain + " allows no MX host: no mx in it is a full host name");
  Reply reply{Verdict::kSecure, "OK secure match=" + list + " servername=hostname"};
  const std::string attributes = map == Map::kPostfixTlsrpt ? policy_attributes(decision, patterns) : std::string{};
  // Of a monstrous policy the protection is worth more than the report.
  if (reply.text.size() + attributes.size() <= kMaxReply) reply.text += attributes;
  return reply;
}

// R29. Sendmail is not asked: its own transport puts DANE first, and without that has MTA-STS alone.
std::optional<Reply> dane_first(const Decision& decision, DaneAnswer answer) {
  if (must_defer_for_dane(decision)) return temporary(decision.dane_reason);
  if (decision.dane == DaneState::kPartly) return Reply{Verdict::kDane, "OK dane-only", true};
  if (decision.dane != DaneState::kUsable) return std::nullopt;
  if (answer == DaneAnswer::kNotFound) return Reply{.is_by_dane = true};
  return Reply{Verdict::kDane, answer == DaneAnswer::kDane ? "OK dane" : "OK dane-only", true};
}

}  // namespace

std::string_view map_name(Map map) { return kMapNames.at(static_cast<std::size_t>(map)); }
std::string_view verdict_name(Verdict verdict) { return kVerdictNames.at(static_cast<std::size_t>(verdict)); }

std::optional<Request> Request::parse(std::string_view payload) {
  const std::size_t space = payload.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  return Request{map_of(payload.substr(0, space)), payload.substr(space + 1)};
}

bool is_parent_key(std::string_view key) { return key.starts_with('.'); }

Reply temporary(const std::string& reason) {
  constexpr std::size_t kMaxReason = 500;
  return {Verdict::kTemporary, "TEMP " + escaped(reason, kMaxReason)};
}

Reply reply_for(Map map, const Decision& decision, DaneAnswer dane_answer) {
  if (decision.kind == Decision::Kind::kDefer) return temporary(decision.reason);
  if (decision.kind == Decision::Kind::kNoPolicy || decision.mode != Mode::kEnforce) return {};
  if (map != Map::kSendmail) {
    if (auto reply = dane_first(decision, dane_answer)) return *std::move(reply);
  }
  return secure(map, decision);
}

}  // namespace mtasts::socketmap
