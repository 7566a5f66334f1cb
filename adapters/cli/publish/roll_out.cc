// Roll-out, and its gates: testing, enforce with a short max_age, the aim.
#include <algorithm>

#include "adapters/cli/publish/steps.h"
#include "adapters/cli/publish/view.h"
#include "core/joined.h"
#include "core/mx_match.h"
#include "core/timestamp.h"

namespace mtasts::publish {
namespace {

constexpr std::size_t kMaxTold = 5;

struct Step {
  Stage stage;
  bool is_at_aim;
  std::chrono::seconds after;  // how long the stage before has to have been seen
  std::string title;           // what is asked for
  std::string risk;            // of taking it too early
};

const char* const kUnreported =
    "no report had the time to show which of the MX hosts fail; senders will not deliver to those";

// nullopt: the aim is reached.
std::optional<Step> next_step(const DomainState& state, const ListedDomain& listed) {
  if (state.stage == Stage::kTesting && listed.mode == Mode::kEnforce)
    return Step{Stage::kEnforceShort, false, kTestingTime,
                "enforce with max_age " + in_seconds(std::min(kShortAge, listed.max_age)), kUnreported};
  if (state.stage == Stage::kTesting && !state.is_at_aim && listed.max_age != kFirstAge)
    return Step{Stage::kTesting, true, kTestingTime, "testing with max_age " + in_seconds(listed.max_age),
                "a wrong policy is held for longer"};
  if (state.stage == Stage::kEnforceShort)
    return Step{Stage::kEnforce, true, kShortTime, "enforce with max_age " + in_seconds(listed.max_age),
                "a fault that nobody has noticed yet keeps mail away for up to " + in_seconds(listed.max_age)};
  return std::nullopt;
}

std::string first_of(std::vector<std::string> items) {
  const std::size_t more = items.size() - std::min(items.size(), kMaxTold);
  items.resize(items.size() - more);
  return joined(items, " | ") + (more > 0 ? " | and " + std::to_string(more) + " more" : "");
}

// What stands against enforcing `patterns`.
std::vector<std::string> obstacles(const check::Report& report, const std::vector<std::string>& patterns) {
  auto found = obstacles_to_enforce(report);
  for (const std::string& host : live_mx(report.facts)) {
    if (!mx_allowed(patterns, host))
      found.push_back("policy-mx-missing " + escaped(host) + ": no pattern allows this MX host of " +
                      report.facts.domain.text() + "; add it to mx in the list, or take it out of DNS");
  }
  return found;
}

std::vector<std::string> all_obstacles(const Situation& situation, const std::vector<std::string>& patterns) {
  auto found = obstacles(**situation.seen, patterns);
  for (const auto& [alias, seen] : situation.aliases) {
    // Nobody follows an alias that has no record yet.
    if (!seen || view_record(seen->facts, {}).kind == RecordView::Kind::kAbsent) continue;
    for (auto& obstacle : obstacles(*seen, patterns)) found.push_back(alias.text() + ": " + std::move(obstacle));
  }
  return found;
}

// Empty: the step may be taken.
std::string refuse_step(const Situation& situation, const DomainState& state, const Step& step, DomainPlan& plan) {
  const std::string asked = step.title + " is refused: ";
  auto patterns = situation.listed->mx;
  patterns.insert(patterns.end(), state.retired.begin(), state.retired.end());
  if (is_enforcing(step.stage)) {
    const auto found = all_obstacles(situation, patterns);
    if (!found.empty())
      return asked + "mail would be lost or the policy ignored. Put this right, then promote again: " + first_of(found);
  }
  const check::Facts& facts = (*situation.seen)->facts;
  const auto file = view_file(facts, state.body);
  if (file.kind != FileView::Kind::kServed)
    return asked + "the policy file is not served yet: " + file.why + ". Put this right, then promote again";
  const auto record = view_record(facts, state.id);
  if (record.kind != RecordView::Kind::kPublished)
    return asked + "its record is not published: " + record.why + ". Publish it, then promote again";
  const WallTime from = state.seen_since.value_or(situation.now) + step.after;
  if (situation.now >= from) return {};
  if (situation.request.force) {
    plan.risks.push_back(std::string(step.title) + " before " + rfc3339(from) + ": " + step.risk);
    return {};
  }
  const std::string since = state.seen_since ? "was first seen published at " + rfc3339(*state.seen_since)
                                             : "was not seen published by an earlier run with --apply";
  return asked + "what is published now " + since + " and has to be for " +
         std::to_string(std::chrono::duration_cast<std::chrono::days>(step.after).count()) + " days. Wait until " +
         rfc3339(from) + ", or --force it: then " + step.risk;
}

void promote(const Situation& situation, DomainState& next, DomainPlan& plan) {
  const auto step = next_step(next, *situation.listed);
  if (!step) {
    plan.notes.push_back("the aim is reached: there is nothing to promote");
    return;
  }
  plan.refused = refuse_step(situation, next, *step, plan);
  if (!plan.refused.empty()) return;
  if (is_enforcing(step->stage)) {
    for (const auto& text : unknown_findings(**situation.seen))
      plan.notes.push_back("enforced without having been looked at from here: " + text);
  }
  next.stage = step->stage;
  next.is_at_aim = step->is_at_aim;
  next.seen_since.reset();
}

void start(DomainState& next) {
  next.stage = Stage::kTesting;
  next.is_at_aim = false;
  next.is_record_withdrawn = false;
  next.seen_since.reset();
}

void tell_leaving(const Situation& situation, const DomainState& next, DomainPlan& plan) {
  const std::string again = "--promote " + plan.name + " starts again with testing";
  if (next.stage == Stage::kGone) {
    plan.notes.push_back("has left: take it out of the list, or " + again);
    return;
  }
  const WallTime until = next.left + next.longest;
  if (!next.is_record_withdrawn && until > situation.now) {
    plan.waits_until = until;
    plan.notes.push_back("leaves: record, host and certificate stay until " + rfc3339(until) +
                         ", as long as a sender may hold an older policy");
  }
  plan.notes.push_back("--leave " + plan.name + " goes on then, " + again);
}

}  // namespace

void tell_waiting(const Situation& situation, const DomainState& next, DomainPlan& plan) {
  const auto step = next_step(next, *situation.listed);
  if (!step) return;
  if (!next.seen_since) {
    plan.notes.push_back("the time until " + step->title + " counts from the first --apply that sees file and record");
    return;
  }
  const WallTime from = *next.seen_since + step->after;
  if (from > situation.now) {
    plan.waits_until = std::min(plan.waits_until.value_or(from), from);
    plan.notes.push_back("waits until " + rfc3339(from) + " for " + step->title);
  } else {
    plan.notes.push_back("can be promoted to " + step->title + ": --promote " + plan.name);
  }
}

void roll_out(const Situation& situation, DomainState& next, DomainPlan& plan) {
  const bool is_promoted = situation.request.kind == Request::Kind::kPromote;
  const bool has_left = next.stage == Stage::kNone || next.stage == Stage::kGone;
  if (has_left && !is_promoted) {
    tell_leaving(situation, next, plan);
    return;
  }
  if (has_left) {
    start(next);
  } else if (situation.listed->mode == Mode::kTesting && is_enforcing(next.stage)) {
    start(next);
    plan.notes.push_back("the list asks for testing: senders enforce what they hold until they see the new record");
  } else if (is_promoted) {
    promote(situation, next, plan);
  }
}

}  // namespace mtasts::publish
