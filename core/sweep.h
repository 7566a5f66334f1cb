// Decides what the hourly sweep does with an entry: keep, refresh or drop.
#pragma once

#include <chrono>

#include "core/cache_entry.h"

namespace mtasts {

struct SweepRules {
  std::chrono::seconds refresh{86'400};    // a policy is fetched again before it is older than that (R21)
  std::chrono::seconds forget{2'592'000};  // what nobody asked for during this time is dropped
};

enum class SweepAction { kKeep, kRefresh, kForget };

// Rounds are expected about once an hour. A policy is due between three quarters and the whole of `refresh` (at a time
// of that span that its domain's name decides, so that the policies of a store do not all fall due together), and
// always well before it expires (R21). A policy in force is never forgotten, however long nobody used it (R17); it is
// only no longer refreshed. `used`: when the entry was last asked for.
SweepAction sweep_action(const CacheEntry& entry, WallTime used, const SweepRules& rules, WallTime now);

// Of what cannot be read as an entry. It may have held a policy, so it is looked up again before anybody asks, rather
// than when somebody does, who may then be kept from it (RFC 8461 §10.2).
SweepAction sweep_action_of_damaged(WallTime used, const SweepRules& rules, WallTime now);

}  // namespace mtasts
