// What the socketmap clients are told: a Decision in the words of Postfix and Sendmail.
//
// The answers are those that these servers were seen to take; anything else in a reply makes them defer the mail. Two
// rules stand above the rest: nothing that came from DNS or HTTPS may become an attribute of its own or end the reply,
// and `NOTFOUND` leaves the administrator's own level alone (R28, R29), which `OK may` would lower.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/decision.h"
#include "module/config/config.h"

namespace mtasts::socketmap {

enum class Map {
  kPostfix,        // 3.4 and later; also every map name that we do not know
  kPostfixTlsrpt,  // 3.10 and later: the policy goes along, for the MX names (R24) and for reports (R32)
  kSendmail,       // the query of its feature `sts`
};
inline constexpr std::size_t kMaps = 3;

// For people and metrics: "postfix", "postfix-tlsrpt", "sts".
std::string_view map_name(Map map);

// One request: `<map> <key>`.
struct Request {
  Map map = Map::kPostfix;
  std::string_view key;  // the next hop in the MTA's words; a part of what was parsed

  // nullopt: no space in it.
  static std::optional<Request> parse(std::string_view payload);
};

// Postfix asks for the parents of a name that is not found too, with a dot in front; they have no policy (R1).
bool is_parent_key(std::string_view key);

enum class Verdict { kSecure, kDane, kNotFound, kTemporary, kPermanent };
inline constexpr std::size_t kVerdicts = 5;
std::string_view verdict_name(Verdict verdict);  // "secure", "dane", "notfound", "temp", "perm"

struct Reply {
  Verdict verdict = Verdict::kNotFound;
  std::string text = "NOTFOUND ";
  bool is_by_dane = false;  // a policy is enforced, and DANE goes before it (R29)
};

// Postfix takes no longer reply, and one that is too long stops the domain's mail.
inline constexpr std::size_t kMaxReply = 90'000;

// "try again later"; of a longer reason the first 500 octets.
Reply temporary(const std::string& reason);

Reply reply_for(Map map, const Decision& decision, DaneAnswer dane_answer);

}  // namespace mtasts::socketmap
