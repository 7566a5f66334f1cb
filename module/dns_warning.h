// A resolver that does not answer is the administrator's business, and so are our own limits and faults.
#pragma once

#include "core/lookup.h"
#include "module/log.h"
#include "module/policy_store.h"

namespace mtasts {

// Says so when the record question of `outcome` has failed, or when something was not tried; each of the two once a
// minute, whichever processes share the store.
void warn_of_dns_failure(FileStore& store, Log& log, const Outcome& outcome);

}  // namespace mtasts
