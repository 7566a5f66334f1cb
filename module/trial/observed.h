// What observe mode tells of the MX hosts of a domain whose policy would be enforced.
#pragma once

#include <string_view>

#include "core/decision.h"
#include "module/io/log.h"
#include "module/trial/mx_choice.h"

namespace mtasts {

// A line for each host that would get no mail, and one where that leaves no host, so that the mail would wait. Hosts
// that DANE judges are left to it (R29). `server`: the mail server that asked.
void log_observed(Log& log, const Decision& decision, std::string_view server, const MxChoice::Findings& findings);

}  // namespace mtasts
