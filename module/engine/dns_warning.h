// A resolver that does not answer is the administrator's business, and so are our own limits and faults.
#pragma once

#include "core/lookup.h"
#include "dns/resolver.h"
#include "module/io/log.h"
#include "module/store/throttle.h"

namespace mtasts {

// Says so when the record question of `outcome` has failed, or when something was not tried; each of the two once a
// minute, whichever processes share the store.
void warn_of_dns_failure(SharedThrottle& throttle, Log& log, const Outcome& outcome);

// Says whether the AD bit of a resolver counts as the word of DNSSEC, and why; each verdict once an hour, whichever
// processes share the store.
void log_ad_verdict(SharedThrottle& throttle, Log& log, const ResolverConfig::AdVerdict& verdict);

}  // namespace mtasts
