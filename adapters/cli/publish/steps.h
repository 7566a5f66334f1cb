// The steps of plan_domain(): what is published next. Each changes `next` and `plan`. Not for anybody else.
#pragma once

#include <functional>
#include <string>

#include "adapters/cli/publish/plan.h"
#include "core/policy.h"

namespace mtasts::publish {

// Takes over a tree that the state does not know. False: that was refused.
bool adopt(const Situation& situation, DomainState& next, DomainPlan& plan);

// Roll-out: from "testing" to the aim.
void roll_out(const Situation& situation, DomainState& next, DomainPlan& plan);
// When the next step may be taken.
void tell_waiting(const Situation& situation, const DomainState& next, DomainPlan& plan);
void leave(const Situation& situation, DomainState& next, DomainPlan& plan);

// Where a sender may fetch a policy of that kind now, from the domain or an alias, half a sentence; empty: nowhere. An
// address that was tried and cannot be connected to may serve anything.
using OtherPolicy = std::function<bool(const std::string& body, const Policy& policy)>;
std::string other_policy_served(const Situation& situation, const OtherPolicy& is_other);

// The patterns of the policy file: those of the list, and the old ones as long as they are needed.
std::vector<std::string> choose_patterns(const Situation& situation, DomainState& next, DomainPlan& plan);

// The records of the domain and its aliases, and all actions in their order; `file` is among them.
void plan_records(const Situation& situation, const DomainState& next, std::optional<Action> file, DomainPlan& plan);

std::string in_seconds(std::chrono::seconds age);  // "86400 s (1 day)"
bool is_enforcing(Stage stage);

}  // namespace mtasts::publish
