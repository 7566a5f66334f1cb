#include "core/decision.h"

#include "core/timestamp.h"

namespace mtasts {
namespace {

using State = RecordMemory::State;

const Override* override_for(const Domain& domain, const std::vector<Override>& overrides) {
  const Override* best = nullptr;
  for (const Override& candidate : overrides) {
    if (!domain.is_within(candidate.domain)) continue;
    if (best == nullptr || candidate.domain.text().size() > best->domain.text().size()) best = &candidate;
  }
  return best;
}

std::string describe(const Error& error) { return std::string(error_name(error.code)) + ": " + error.detail; }

Mode overridden(Mode published, const Override* override) {
  return override == nullptr || published == Mode::kNone ? published : override->mode;
}

void apply_policy(Decision& decision, const StoredPolicy& stored, const Override* override) {
  decision.mode = overridden(stored.policy.mode, override);
  decision.kind = decision.mode == Mode::kNone ? Decision::Kind::kNoPolicy : Decision::Kind::kPolicy;
  decision.mx = stored.policy.mx;
  decision.id = stored.id;
  decision.fetched = stored.fetched;
  decision.expires = stored.expires();
  decision.max_age = stored.policy.max_age;
  decision.body = stored.body;
  decision.reason = "the policy of " + decision.domain + " (id " + stored.id + ", mode " +
                    std::string(mode_name(stored.policy.mode)) + ") is in force until " + rfc3339(stored.expires());
  if (decision.mode != stored.policy.mode) {
    decision.reason +=
        "; the override of " + override->domain.text() + " makes it " + std::string(mode_name(decision.mode));
  }
  if (decision.failure) decision.reason += "; fetching it again failed: " + describe(*decision.failure);
}

Decision::Kind kind_of(WhenUnknown when) {
  return when == WhenUnknown::kDefer ? Decision::Kind::kDefer : Decision::Kind::kNoPolicy;
}

void apply_unknown_record(Decision& decision, const std::string& why, const DecisionRules& rules) {
  decision.kind = kind_of(rules.on_dns_failure);
  decision.temporary = true;
  decision.reason = "the record " + std::string("_mta-sts.") + decision.domain + " could not be asked for: " + why;
}

// Want of room ends by itself, as a fetch does that is still running. A local fault lasts until somebody fixes it, and
// nothing is known of any domain meanwhile: no configuration makes that "no policy".
void apply_own_fault(Decision& decision, const std::optional<Error>& fault, const DecisionRules& rules) {
  const bool for_want_of_room = fault && fault->code == ErrorCode::kNotTried;
  decision.kind = for_want_of_room ? kind_of(rules.on_deadline) : Decision::Kind::kDefer;
  decision.reason = fault ? fault->detail : "nothing could be found out about " + decision.domain + " from here";
}

// R16: there is a record, but no policy that could be applied.
std::string why_no_policy(const Decision& decision, const CacheEntry& entry) {
  std::string reason = decision.domain + " has a record (id " + entry.record.id + ") but no usable policy";
  if (decision.failure) return reason + ": " + describe(*decision.failure);
  if (entry.policy) reason += ": the one fetched expired at " + rfc3339(entry.policy->expires());
  return reason;
}

// Nothing is in force.
void apply_absence(Decision& decision, const Outcome& outcome, const DecisionRules& rules) {
  const CacheEntry& entry = outcome.entry;
  decision.temporary = outcome.progress != Outcome::Progress::kSettled;
  if (outcome.progress == Outcome::Progress::kRecordPending) {
    return apply_unknown_record(decision, "no answer in time", rules);
  }
  if (outcome.progress == Outcome::Progress::kNotAsked) {  // nobody found out that DNS does not answer
    decision.kind = kind_of(rules.on_deadline);
    decision.reason = "another process is looking " + decision.domain + " up and has not finished";
    return;
  }
  if (outcome.progress == Outcome::Progress::kFetchPending) {
    decision.kind = kind_of(rules.on_deadline);
    decision.reason =
        decision.domain + " has a record (id " + entry.record.id + "); its policy has not been fetched yet";
    return;
  }
  if (outcome.progress == Outcome::Progress::kNotTried) return apply_own_fault(decision, outcome.fault, rules);
  switch (entry.record.state) {
    case State::kUnknown:
      return apply_unknown_record(decision, "nobody asked", rules);
    case State::kFailed:
      return apply_unknown_record(decision, entry.record.detail, rules);
    case State::kAbsent:
      decision.reason = decision.domain + " has no MTA-STS record";
      return;
    case State::kInvalid:
      decision.reason = "the record _mta-sts." + decision.domain + " is invalid: " + entry.record.detail;
      return;
    case State::kFound:
      decision.reason = why_no_policy(decision, entry);
      // R16 all the same: a domain whose name servers are silent for good is to get its mail.
      decision.temporary = entry.failure && is_dns_failure(entry.failure->error.code);
      return;
  }
}

void apply_dane(Decision& decision, const Outcome& outcome, WallTime now) {
  const auto& dane = outcome.entry.dane;
  const bool known = dane && now < dane->until;
  decision.dane = known ? dane->state : DaneState::kFailed;
  decision.dane_reason = known ? dane->detail : "whether DANE judges the MX hosts has not been found out yet";
  if (known) decision.dane_hosts = dane->hosts;
}

// A failure is told while it is the state of things: not of a fetch that is under way, nor of a record that is gone.
std::optional<Error> failure_behind(const Outcome& outcome, bool in_force) {
  const CacheEntry& entry = outcome.entry;
  const bool settled = outcome.progress == Outcome::Progress::kSettled && entry.record.state == State::kFound;
  if (!entry.failure || !(in_force || settled)) return std::nullopt;
  return entry.failure->reported();
}

}  // namespace

Decision decide(const Outcome& outcome, const DecisionRules& rules, WallTime now) {
  Decision decision;
  decision.domain = outcome.entry.domain.text();
  decision.from_cache = outcome.from_cache;
  const Override* override = override_for(outcome.entry.domain, rules.overrides);
  if (override != nullptr && override->mode == Mode::kNone) {
    decision.reason = decision.domain + " is exempt: the override of " + override->domain.text() + " says none";
    return decision;
  }
  const StoredPolicy* policy = outcome.entry.policy_in_force(now);
  decision.failure = failure_behind(outcome, policy != nullptr);
  if (policy != nullptr) {
    apply_policy(decision, *policy, override);
    if (rules.ask_dane && decision.kind == Decision::Kind::kPolicy) apply_dane(decision, outcome, now);
  } else {
    apply_absence(decision, outcome, rules);
  }
  return decision;
}

bool must_defer_for_dane(const Decision& decision) {
  return decision.kind == Decision::Kind::kPolicy && decision.mode == Mode::kEnforce &&
         decision.dane == DaneState::kFailed;
}

Decision defer(const Domain& domain, const Error& error) {
  Decision decision;
  decision.kind = Decision::Kind::kDefer;
  decision.domain = domain.text();
  decision.reason = error.detail;
  decision.temporary = true;
  return decision;
}

Decision only_observed(Decision decision) {
  const bool is_enforced = decision.kind == Decision::Kind::kPolicy && decision.mode == Mode::kEnforce;
  if (is_enforced) decision.mode = Mode::kTesting;
  decision.observed = is_enforced || decision.kind == Decision::Kind::kDefer;
  if (decision.kind == Decision::Kind::kDefer) decision.kind = Decision::Kind::kNoPolicy;
  return decision;
}

Decision no_policy(std::string reason) {
  Decision decision;
  decision.reason = std::move(reason);
  return decision;
}

}  // namespace mtasts
