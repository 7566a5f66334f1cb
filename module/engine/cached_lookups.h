// A lookup for a delivery: is what is cached enough, or does it take the network? (docs/architecture.md, a lookup's
// way.)
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "core/ports.h"
#include "module/engine/lookups.h"
#include "module/store/policy_store.h"

namespace mtasts {

// Marks the entry as used. nullopt: it takes a lookup. An entry that cannot be read is an outcome, too: nobody knows
// whether there is a policy, so it was not tried, and its fault says why.
std::optional<Outcome> cached_outcome(FileStore& store, const Domain& domain, Lookup::Effort effort,
                                      const LookupRules& rules, WallTime now);

// From the cache where that is enough, and otherwise by other lookups. What is passed to the constructor must outlive
// the object; what has not been answered when it ends is not answered. One thread.
class CachedLookups final : public Lookups {
 public:
  struct Deps {
    EventLoop& loop;
    FileStore& store;
    Lookups& lookups;
    std::function<WallTime()> clock;
  };
  CachedLookups(Deps deps, const LookupRules& rules) : deps_(std::move(deps)), rules_(rules) {}

  void lookup(const Domain& domain, Lookup::Effort effort, std::chrono::milliseconds deadline, Answer answer) override;

 private:
  void answer_soon(Outcome outcome, Answer answer);

  Deps deps_;
  LookupRules rules_;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, std::unique_ptr<EventLoop::Watch>> soon_;
};

}  // namespace mtasts
