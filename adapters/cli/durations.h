// Spans of time for people.
#pragma once

#include <chrono>
#include <string>

#include "core/cache_entry.h"

namespace mtasts::cli {

// Rounded down to one unit: "1 second", "59 minutes", "47 hours", "365 days".
std::string duration_text(std::chrono::seconds span);

// "in 3 days", "2 hours ago", "now".
std::string relative_text(WallTime time, WallTime now);

// "2026-01-31T08:05:00Z (in 3 days)".
std::string time_text(WallTime time, WallTime now);

}  // namespace mtasts::cli
