// Decisions, cached entries and rounds of the refresh in words and in JSON.
#pragma once

#include <string>

#include "core/decision.h"
#include "module/engine/sweep.h"

namespace mtasts::cli {

// "enforce", "testing", "none", or "unknown" for what could not be found out.
std::string mode_word(const Decision& decision);

// One line, the keys of the contract in its order: domain, mode, mx, max_age, id, fetched, expires, source, dane,
// reason, temporary. Times are RFC 3339; what there is not, or is not known now, is null.
std::string to_json(const Decision& decision);

// One line: domain, mode, mx, max_age, id, fetched, expires of the policy in force (null without one), record{state,
// id, detail, until}, failure{error, id, count, retry_at, detail}, dane{state, until, detail}; what there is not is
// null.
std::string to_json(const CacheEntry& entry, WallTime now);

// One line: refreshed, due, in_force, forgotten, damaged, failures[] {domain, reason}, reason: why there was nothing to
// refresh, or why this is not all; else empty.
std::string to_json(const SweepSummary& summary, const std::string& reason);

// Several lines for a person.
std::string to_text(const Decision& decision, WallTime now, bool colour);
std::string to_text(const CacheEntry& entry, WallTime now, bool colour);

// "example.com  enforce  until 2026-01-31T08:05:00Z (in 3 days)  id 20260101".
std::string one_line(const CacheEntry& entry, WallTime now, bool colour);

}  // namespace mtasts::cli
