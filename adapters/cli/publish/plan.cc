#include "adapters/cli/publish/plan.h"

#include <algorithm>

#include "adapters/cli/check/record_id.h"
#include "adapters/cli/publish/policy_file.h"
#include "adapters/cli/publish/steps.h"
#include "adapters/cli/publish/view.h"
#include "core/record.h"

namespace mtasts::publish {
namespace {

using Kind = Action::Kind;

std::chrono::seconds age_of(std::string_view body) {
  const auto policy = parse_policy(body);
  return policy ? policy->max_age : std::chrono::seconds{0};
}

// A file that was edited by hand, or that a run which was cut off did not write.
void put_right(const Situation& situation, DomainPlan& plan) {
  const auto& next = plan.next;
  plan.is_file_written = next && next->stage != Stage::kGone && situation.file != next->body;
  plan.is_file_removed = next && next->stage == Stage::kGone && situation.file.has_value();
}

std::optional<Action> file_action(const Situation& situation, const DomainPlan& plan) {
  const std::string file = "mta-sts." + plan.name + "/.well-known/mta-sts.txt";
  if (plan.is_file_removed) return Action{Kind::kFile, "remove the policy file " + file};
  if (!plan.is_file_written) return std::nullopt;
  const auto policy = parse_policy(plan.next->body);
  const bool is_changed = situation.file && situation.state && situation.state->body == plan.next->body;
  return Action{Kind::kFile, std::string(is_changed       ? "put right"
                                         : situation.file ? "replace"
                                                          : "write") +
                                 " the policy file " + file + ": mode " + std::string(mode_name(policy->mode)) +
                                 ", max_age " + in_seconds(policy->max_age) + ", id " + plan.next->id};
}

std::string unasked(const Situation& situation) {
  const auto trouble = [](const Result<check::Report>& seen) {
    return seen ? dns_trouble(seen->facts) : seen.error().detail;
  };
  std::string found = trouble(*situation.seen);
  for (const auto& [alias, seen] : situation.aliases)
    if (found.empty()) found = trouble(seen);
  return found;
}

// What is in place stays so.
DomainPlan only_keep(const Situation& situation, DomainPlan plan) {
  plan.next = situation.state;
  put_right(situation, plan);
  if (auto action = file_action(situation, plan)) plan.actions.push_back(std::move(*action));
  return plan;
}

DomainPlan propose_mx(const Situation& situation, DomainPlan plan) {
  std::string line;
  for (const auto& host : live_mx((*situation.seen)->facts))
    line += (line.empty() ? "\"" : ", \"") + escaped(host) + "\"";
  if (line.empty()) {
    plan.actions.push_back({Kind::kPerson, "name its MX hosts in the list: DNS has none to propose"});
  } else {
    plan.actions.push_back({Kind::kPerson, "put its MX hosts into the list by name, as in the next line"});
    plan.notes.push_back("mx = [" + line + "]");
  }
  if (situation.request.is_apply)
    plan.refused = "mx = \"auto\" proposes and does not publish. Put the hosts into the list by name, then --apply";
  return only_keep(situation, std::move(plan));
}

void choose_body(const Situation& situation, DomainState& next, DomainPlan& plan) {
  Mode mode = Mode::kNone;
  std::chrono::seconds max_age = kFirstAge;
  std::vector<std::string> patterns;
  if (next.stage != Stage::kNone) {
    patterns = choose_patterns(situation, next, plan);
    mode = is_enforcing(next.stage) ? Mode::kEnforce : Mode::kTesting;
    const auto aim = situation.listed->max_age;
    if (next.stage == Stage::kEnforce || next.is_at_aim) max_age = aim;
    if (next.stage == Stage::kEnforceShort) max_age = std::min(kShortAge, aim);
  }
  const std::string body = policy_file(mode, max_age, patterns);
  if (body != next.body) {
    next.id = check::make_record_id(situation.now, body);
    next.body = body;
    next.since = situation.now;
  }
  next.longest = std::max(next.longest, max_age);
}

void note_seen(const Situation& situation, DomainState& next) {
  const auto& facts = (*situation.seen)->facts;
  const bool is_seen = view_file(facts, next.body).kind == FileView::Kind::kServed &&
                       view_record(facts, next.id).kind == RecordView::Kind::kPublished;
  if (is_seen && !next.seen_since) next.seen_since = situation.now;
}

DomainState start_from(const Situation& situation) {
  DomainState next = situation.state.value_or(DomainState{situation.listed->name});
  if (situation.file) next.longest = std::max(next.longest, age_of(*situation.file));
  next.longest = std::max(next.longest, served_age((*situation.seen)->facts));
  for (const Domain& alias : situation.listed->aliases)
    if (std::ranges::find(next.aliases, alias) == next.aliases.end()) next.aliases.push_back(alias);
  return next;
}

}  // namespace

std::string in_seconds(std::chrono::seconds age) {
  const auto days = std::chrono::duration_cast<std::chrono::days>(age);
  const std::string text = std::to_string(age.count());
  if (days != age) return text;
  return text + " (" + std::to_string(days.count()) + (days.count() == 1 ? " day)" : " days)");
}

bool is_enforcing(Stage stage) { return stage == Stage::kEnforceShort || stage == Stage::kEnforce; }

DomainPlan plan_domain(const Situation& situation) {
  DomainPlan plan;
  plan.name = situation.listed ? situation.listed->name.text() : situation.state->name.text();
  if (!situation.listed) {
    plan.notes.push_back("is not in the list any more and served on unchanged; --leave " + plan.name + " ends that");
    return only_keep(situation, std::move(plan));
  }
  plan.unasked = unasked(situation);
  if (!plan.unasked.empty()) return only_keep(situation, std::move(plan));
  if (situation.listed->is_mx_auto && situation.request.kind != Request::Kind::kLeave)
    return propose_mx(situation, std::move(plan));
  DomainState next = start_from(situation);
  if (!adopt(situation, next, plan)) return only_keep(situation, std::move(plan));
  if (situation.request.kind == Request::Kind::kLeave || situation.listed->mode == Mode::kNone) {
    leave(situation, next, plan);
  } else {
    roll_out(situation, next, plan);
  }
  if (next.stage == Stage::kGone) {
    next.id.clear();
    next.body.clear();
  } else {
    choose_body(situation, next, plan);
    note_seen(situation, next);
    if (next.stage != Stage::kNone) tell_waiting(situation, next, plan);
  }
  plan.next = next;
  put_right(situation, plan);
  plan_records(situation, next, file_action(situation, plan), plan);
  return plan;
}

bool adopt(const Situation& situation, DomainState& next, DomainPlan& plan) {
  const auto policy =
      situation.file && !situation.state ? parse_policy(*situation.file) : fail(ErrorCode::kPolicyInvalid, "");
  if (!policy || policy->mode != Mode::kEnforce) return true;
  if (!situation.request.adopt) {
    plan.refused =
        "the web tree enforces a policy for it that the state does not know; starting with testing would weaken it. If "
        "the state was lost or the "
        "tree is someone else's work, take it over as it is with the same command and --adopt (and --apply)";
    return false;
  }
  next.body = *situation.file;
  next.since = situation.now;
  const auto record = read_record((*situation.seen)->facts.record.values);
  const bool is_its_id = check::carries_hash(record.id) && check::is_id_of(record.id, next.body);
  next.id = is_its_id ? record.id : check::make_record_id(situation.now, next.body);
  next.stage = policy->max_age <= kShortAge && policy->max_age != situation.listed->max_age ? Stage::kEnforceShort
                                                                                            : Stage::kEnforce;
  plan.notes.push_back("the policy in the web tree is taken over");
  return true;
}

Verdict verify(const Situation& situation) {
  Verdict verdict;
  const auto look = [&](const Result<check::Report>& seen, const std::string& prefix) {
    if (!seen) {
      verdict.unknown.push_back(prefix + seen.error().detail);
      return;
    }
    for (auto& text : critical_findings(*seen)) verdict.critical.push_back(prefix + std::move(text));
    for (auto& text : unknown_findings(*seen)) verdict.unknown.push_back(prefix + std::move(text));
  };
  if (!situation.seen || (situation.state && situation.state->stage == Stage::kGone)) return verdict;
  look(*situation.seen, "");
  for (const auto& [alias, seen] : situation.aliases) look(seen, alias.text() + ": ");
  if (!situation.state || !situation.state->seen_since || situation.state->is_record_withdrawn || !*situation.seen)
    return verdict;
  const check::Facts& facts = (*situation.seen)->facts;
  const auto file = view_file(facts, situation.state->body);
  if (file.kind == FileView::Kind::kOther) verdict.critical.push_back(facts.domain.policy_host() + ": " + file.why);
  const auto record = view_record(facts, situation.state->id);
  const bool is_asked = facts.record.outcome != check::DnsFact::Outcome::kFailed;
  if (is_asked && record.kind == RecordView::Kind::kAbsent)
    verdict.critical.push_back(record.why + ": it was published, and senders hold the policy");
  return verdict;
}

}  // namespace mtasts::publish
