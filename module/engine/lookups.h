// Where lookups are made: in this process (module/engine/engine) or in the helper (module/helper/client).
#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "core/lookup.h"

namespace mtasts {

class Lookups {
 public:
  using Answer = std::function<void(const Outcome&)>;

  virtual ~Lookups() = default;
  // `answer` is called exactly once, from the loop, at the latest shortly after `deadline`, with what is known by then;
  // never from inside this call. The lookup itself goes on after the deadline and is cached.
  virtual void lookup(const Domain& domain, Lookup::Effort effort, std::chrono::milliseconds deadline,
                      Answer answer) = 0;
};

// What can be said of a domain while lookups are impossible because of `error`: a policy in force needs no network
// (R17), everything else was not tried.
Outcome outcome_without_network(const Domain& domain, std::optional<CacheEntry> cached, const Error& error,
                                WallTime now);

}  // namespace mtasts
