#include "adapters/exim/reply.h"

#include <algorithm>
#include <utility>

#include "adapters/exim/route.h"
#include "core/ascii.h"

namespace mtasts {

EximReply route_reply(const Decision& decision) {
  if (decision.kind == Decision::Kind::kDefer) return {EximStatus::kFail, "MTA-STS: " + decision.reason};
  auto text = route_text(decision);
  if (!text) return {EximStatus::kError, "mta_sts_route: " + text.error().detail};
  return {EximStatus::kOk, std::move(*text)};
}

EximReply mode_reply(const Decision& decision) {
  if (decision.kind == Decision::Kind::kDefer) return {EximStatus::kFail, "MTA-STS: " + decision.reason};
  if (must_defer_for_dane(decision)) return {EximStatus::kFail, "MTA-STS: " + decision.dane_reason};
  return {EximStatus::kOk, mode_text(decision)};
}

Result<std::string_view> read_domain(EximWords words) {
  if (words.size() != 1) return fail(ErrorCode::kConfig, "one domain is wanted, such as $domain");
  if (words[0].empty()) {
    return fail(ErrorCode::kConfig,
                "the domain is empty; $domain has no value where there are several recipients (a transport with "
                "multi_domain, a system filter)");
  }
  return words[0];
}

bool is_message_id(std::string_view word) {
  constexpr std::size_t kLongest = 64;
  return word.size() <= kLongest && std::ranges::all_of(word, [](char c) { return ascii::is_alnum(c) || c == '-'; });
}

Result<Event> read_event(EximWords words) {
  if (words.size() != kEventWords) {
    return fail(ErrorCode::kConfig,
                "seven words are wanted: {$event_name}{$event_data}{$domain}{$host}{$host_address}"
                "{$event_defer_errno}{mode=...}");
  }
  auto session = SessionFacts::read(words[6]);
  if (!session) return tl::unexpected(session.error());
  return Event{words[0], words[1], words[2], words[3], words[4], words[5], std::move(*session)};
}

}  // namespace mtasts
