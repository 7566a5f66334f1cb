// What Exim is told, however it asks: the answers of mta_sts_route, mta_sts_mode and mta_sts_event to words and
// decisions.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "adapters/exim/event.h"
#include "core/decision.h"
#include "core/result.h"

namespace mtasts {

// As a dlfunc's return value. A "forced" failure (4) is not among them: in address_data it would send the address on to
// the next router, unprotected.
enum class EximStatus : int {
  kOk = 0,
  kError = 1,  // the expansion fails and the panic log tells: somebody has to fix something
  kFail = 2,   // the expansion fails: temporary, for this message only
};

struct EximReply {
  EximStatus status = EximStatus::kOk;
  std::string text{};  // the result, or the reason of the failure
};

using EximWords = std::span<const std::string_view>;

// Host-list text as in adapters/exim/route.h. A failed expansion defers the address. Where DANE could not be found out,
// hosts that the policy does not name stay away; the others Exim asks DANE about by itself, and waits where that fails.
EximReply route_reply(const Decision& decision);
// "enforce", "testing", "none", or "dane" where DANE judges every MX host; fails whenever route_reply() does, and where
// it cannot be found out whether DANE goes before the policy.
EximReply mode_reply(const Decision& decision);

// Error kConfig: words that are not one domain, for the functions above.
Result<std::string_view> read_domain(EximWords words);
// Empty, or such as Exim makes them; anything else would be an argument out of place.
bool is_message_id(std::string_view word);
inline constexpr const char* kNoMessageId = "the second argument is to be $message_exim_id";
// Error kConfig: not the seven words of an event. A view into the words.
Result<Event> read_event(EximWords words);

inline constexpr std::size_t kEventWords = 7;

}  // namespace mtasts
