// How a domain leaves MTA-STS: mode none, kept until no sender can hold another policy; the record; host and file.
#include <algorithm>

#include "adapters/cli/publish/steps.h"
#include "adapters/cli/publish/view.h"
#include "core/timestamp.h"

namespace mtasts::publish {
namespace {

void begin(const Situation& situation, DomainState& next) {
  next.stage = Stage::kNone;
  next.is_at_aim = false;
  next.is_record_withdrawn = false;
  next.seen_since.reset();
  next.retired.clear();
  next.keep_until.reset();
  next.is_other_served = false;
  next.left = situation.now;
}

void wait_or_withdraw(const Situation& situation, DomainState& next, DomainPlan& plan) {
  const auto is_other = [&](const std::string& body, const Policy&) { return body != next.body; };
  if (const auto where = other_policy_served(situation, is_other); !where.empty()) {
    next.left = situation.now;
    plan.notes.push_back("the time starts anew: " + where);
  }
  const WallTime until = next.left + next.longest;
  if (situation.now >= until) {
    next.is_record_withdrawn = true;
    return;
  }
  if (situation.request.force) {
    next.is_record_withdrawn = true;
    plan.risks.push_back("removing the record before " + rfc3339(until) +
                         ": senders that hold an older policy go on enforcing it, and cannot learn that it is over");
    return;
  }
  plan.waits_until = until;
  const std::string wait = "senders may hold an older policy until " + rfc3339(until);
  if (situation.request.kind == Request::Kind::kLeave)
    plan.refused = "removing anything is refused: " + wait +
                   ". Wait until then, with record, host and certificate as they are; --force removes the record at "
                   "once, and whoever holds an older policy goes on enforcing it";
  else
    plan.notes.push_back("waits until " + rfc3339(until) + " with everything as it is: " + wait);
}

bool is_record_gone(const check::Facts& facts) {
  if (!seen_record(facts).seen.empty()) return false;
  return std::ranges::all_of(facts.record_servers, [](const auto& server) { return server.record.values.empty(); });
}

bool are_all_gone(const Situation& situation) {
  if (!is_record_gone((*situation.seen)->facts)) return false;
  return std::ranges::all_of(situation.aliases,
                             [](const auto& alias) { return alias.second && is_record_gone(alias.second->facts); });
}

}  // namespace

void leave(const Situation& situation, DomainState& next, DomainPlan& plan) {
  if (next.stage == Stage::kGone) {
    plan.notes.push_back("has left: take it out of the list");
  } else if (next.stage != Stage::kNone) {
    const bool was_there = situation.state || situation.file || !is_record_gone((*situation.seen)->facts);
    begin(situation, next);
    if (!was_there) {
      next.stage = Stage::kGone;
      return;
    }
    plan.waits_until = situation.now + std::max(next.longest, kFirstAge);
    plan.notes.push_back("keeps host and certificate until " + rfc3339(*plan.waits_until) +
                         ": until then a sender may hold an older policy");
  } else if (!next.is_record_withdrawn) {
    wait_or_withdraw(situation, next, plan);
    if (next.is_record_withdrawn)
      plan.notes.push_back("the time is over: the record goes first, host and file in a later run");
  } else if (are_all_gone(situation)) {
    next.stage = Stage::kGone;
  }
}

}  // namespace mtasts::publish
