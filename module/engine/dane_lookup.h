// Finds out over the resolver what DNSSEC says of a domain's MX hosts (core/dane decides, this asks). Bounded, because
// the domain's owner decides how many hosts there are and how long each answer takes: at most kMaxDaneHosts hosts, one
// after the other, and no question after kDaneTime.
#pragma once

#include <chrono>
#include <functional>

#include "core/dane.h"
#include "core/domain.h"
#include "core/ports.h"

namespace mtasts {

inline constexpr std::chrono::seconds kDaneTime{10};

// `done` is called exactly once, on the loop, never from inside this call; it may destroy what it likes but the
// resolver. After kDaneTime it is called with what is known: the other hosts count as failed. Loop and resolver must
// outlive the lookup; when the resolver is destroyed first, `done` is dropped with the questions.
void dane_lookup(EventLoop& loop, Resolver& resolver, const Domain& domain, const Requester& requester,
                 std::function<void(DaneFinding)> done);

}  // namespace mtasts
