// One lookup by a helper of its own: for a foreign or short-lived process, such as an Exim that delivers a message.
#pragma once

#include <chrono>

#include "core/lookup.h"
#include "core/result.h"
#include "module/config/config.h"

namespace mtasts {

// Blocks until the answer or the deadline, whichever is first; a second of grace later the helper is given up. After
// the deadline the helper finishes the lookup by itself, saves it and ends. Error kLocalFault: it could not be started,
// died or did not answer; kInternal: it answered what is no answer.
Result<Outcome> lookup_in_helper(const Config& config, const Domain& domain, Lookup::Effort effort,
                                 std::chrono::milliseconds deadline);

}  // namespace mtasts
