// A decision in the words of Exim's configuration: the text that the policy router keeps in $address_data.
#pragma once

#include <string>

#include "core/decision.h"
#include "core/result.h"

namespace mtasts {

// "" (no policy), "testing|", or "enforce|" and a host list for `ignore_target_hosts` that removes every MX host the
// policy does not name (RFC 8461 §4.1, R24, R26): negated patterns, then `*`, separated by semicolons. Error kInternal:
// an enforce policy without a single pattern, or a pattern that is not a host name - neither can come out of core, and
// neither may reach Exim. `decision.kind` must not be kDefer.
Result<std::string> route_text(const Decision& decision);

// "enforce", "testing" or "none".
std::string mode_text(const Decision& decision);

}  // namespace mtasts
