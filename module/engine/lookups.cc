#include "module/engine/lookups.h"

#include <utility>

namespace mtasts {

Outcome outcome_without_network(const Domain& domain, std::optional<CacheEntry> cached, const Error& error,
                                WallTime now) {
  if (cached && cached->policy_in_force(now) != nullptr) return {std::move(*cached), Outcome::Progress::kSettled, true};
  return {cached ? std::move(*cached) : CacheEntry{domain, {}, {}, {}}, Outcome::Progress::kNotTried, true, error};
}

}  // namespace mtasts
