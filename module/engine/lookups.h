// Where lookups are made: in this process (module/engine/engine) or in the helper (module/helper/client).
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "core/lookup.h"
#include "core/ports.h"

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

// Nothing can be said of the domain, because of `error`.
Outcome not_tried(const Domain& domain, Error error);

// What can be said of a domain while lookups are impossible because of `error`: a policy in force needs no network
// (R17), everything else was not tried. There may be a policy where the entry cannot be read: that fault is told then,
// as the graver one.
Outcome outcome_without_network(PolicyStore& store, const Domain& domain, const Error& error, WallTime now);

// For who did not give DNS the time that it may take: that there is no answer yet is no failure of DNS (R20) but `why`,
// of ours.
Outcome without_blaming_dns(Outcome outcome, std::string why);

}  // namespace mtasts
