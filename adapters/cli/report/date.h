// The dates of a report (RFC 8460 §4.4: date-time of RFC 3339).
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "core/time.h"

namespace mtasts::report {

// The second that `text` names, a fraction cut off; nothing if it is no date-time, or one outside 2000 to 2099 (UTC).
std::optional<WallTime> parse_date(std::string_view text);

}  // namespace mtasts::report
