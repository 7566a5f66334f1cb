// Points in time for people and for JSON.
#pragma once

#include <string>

#include "core/time.h"

namespace mtasts {

// RFC 3339 in UTC, e.g. "2026-01-31T08:05:00Z".
std::string rfc3339(WallTime time);

}  // namespace mtasts
