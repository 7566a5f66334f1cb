// Finds out over the resolver what DNSSEC says of a domain's MX hosts (core/dane decides, this asks). Bounded, because
// the domain's owner decides how many hosts there are and how long each answer takes: at most kMaxDaneHosts hosts,
// kHostsAtOnce of them at the same time, and no question after kDaneTime.
#pragma once

#include <chrono>
#include <functional>

#include "core/dane.h"
#include "core/domain.h"
#include "core/ports.h"

namespace mtasts {

inline constexpr std::size_t kHostsAtOnce = 3;
inline constexpr std::chrono::seconds kDaneTime{10};

// `done` is called exactly once, on the loop, never from inside this call; it may destroy what it likes but the
// resolver. After kDaneTime it is called with what is known: the other hosts count as failed. Loop and resolver must
// outlive the lookup; when the resolver is destroyed first, `done` is dropped with the questions.
//
// `is_known`: the caller has an older finding, and an answer that waits for this one. Then no question waits longer
// than kDaneTurn for its first turn: other domains' questions may be what it waits for.
inline constexpr std::chrono::milliseconds kDaneTurn{500};
void dane_lookup(EventLoop& loop, Resolver& resolver, const Domain& domain, bool is_known,
                 std::function<void(DaneFinding)> done);

}  // namespace mtasts
