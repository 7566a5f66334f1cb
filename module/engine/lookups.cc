#include "module/engine/lookups.h"

#include <utility>

namespace mtasts {

Outcome outcome_without_network(const Domain& domain, std::optional<CacheEntry> remembered, const Error& error,
                                WallTime now) {
  if (remembered && remembered->policy_in_force(now) != nullptr)
    return {std::move(*remembered), Outcome::Progress::kSettled, true};
  return {remembered ? std::move(*remembered) : CacheEntry{domain, {}, {}, {}}, Outcome::Progress::kNotTried, true,
          error};
}

}  // namespace mtasts
