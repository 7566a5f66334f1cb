// Finds out over the resolver what DNSSEC says of a domain's MX hosts (core/dane decides, this asks). At most
// kMaxDaneHosts hosts, all at the same time.
#pragma once

#include <functional>

#include "core/dane.h"
#include "core/domain.h"
#include "core/ports.h"

namespace mtasts {

// `done` is called exactly once, on the loop, never from inside this call; it may destroy what it likes but the
// resolver. Takes as long as the resolver takes for up to five questions one after the other. The resolver must outlive
// the lookup; when it is destroyed first, `done` is dropped with the questions.
void dane_lookup(Resolver& resolver, const Domain& domain, std::function<void(DaneFinding)> done);

}  // namespace mtasts
