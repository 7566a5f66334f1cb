// A decision in the words of Exim's configuration: the text that the policy router keeps in $address_data.
#pragma once

#include <string>

#include "core/decision.h"
#include "core/result.h"

namespace mtasts {

// "" (no policy), "testing|", or "enforce" and fields separated by "|", host lists with semicolons:
//   2  for `ignore_target_hosts`: removes every MX host that the policy does not name (RFC 8461 §4.1, R24, R26):
//   negated
//      patterns, then `*`
//   3  the same, but for MX hosts that DANE judges (R29)
//   4  these: they may be reached by DANE alone, no public authority can vouch for them
// 3 and 4 are there only where such a host is not in the policy. Error kInternal: an enforce policy without a single
// pattern, or a pattern that is not a host name - neither can come out of core, and neither may reach Exim.
// `decision.kind` must not be kDefer.
Result<std::string> route_text(const Decision& decision);

// "enforce", "testing" or "none".
std::string mode_text(const Decision& decision);

}  // namespace mtasts
