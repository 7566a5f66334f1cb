#include "core/lookup.h"

#include <algorithm>

namespace mtasts {
namespace {

using std::chrono::seconds;
using State = RecordMemory::State;

constexpr seconds kMaxBackOff{3600};  // R15
// After this many failures in a row the back-off holds for new ids too: R15 lets a new id be tried at once, but a host
// that changes its id with every question must not make us fetch every time.
constexpr unsigned kMaxStreak = 5;
// A policy that has run out (max_age may be 0) is not fetched again earlier than this after it was fetched.
constexpr seconds kMinFetchInterval{60};
// Whether DANE has a say is remembered for this long at least: the MTA itself looks at the records at every connection.
constexpr seconds kMinDane{60};

seconds back_off(const FetchFailure& failure, seconds retry) {
  const unsigned doublings =
      std::max(failure.count, failure.streak >= kMaxStreak ? failure.streak - kMaxStreak + 1 : 1);
  seconds pause = retry;
  for (unsigned i = 1; i < doublings && pause < kMaxBackOff; ++i) pause *= 2;
  return std::min(pause, std::max(retry, kMaxBackOff));
}

// A policy is fetched again when it is older than `refresh`, or when less than an eighth of its life is left: then a
// short-lived one has several chances before it runs out (R21). One from the future is refreshed to set its time right.
bool refresh_due(const StoredPolicy& policy, seconds refresh, Time now) {
  return policy.fetched > now || now - policy.fetched >= refresh || policy.expires() - now <= policy.policy.max_age / 8;
}

}  // namespace

Lookup::Lookup(Domain domain, std::optional<CacheEntry> remembered, Effort effort, const LookupRules& rules)
    : entry_{remembered && remembered->domain == domain ? std::move(*remembered)
                                                        : CacheEntry{std::move(domain), {}, {}, {}}},
      seen_(entry_.policy),
      effort_(effort),
      rules_(rules) {}

Action Lookup::start(Time now) {
  if (effort_ == Effort::kNormal && record_usable(now)) {
    // No background refresh from here: what is remembered is answered without touching the network. The record's own
    // time to live (at most max_ttl) brings the refresh about, or the timer's Effort::kRefresh.
    const StoredPolicy* policy = entry_.policy_in_force(now);
    const bool current = policy != nullptr && policy->id == entry_.record.id;
    return current ? finish(now) : after_record(now);
  }
  progress_ = Outcome::Progress::kRecordPending;
  return {.save = std::nullopt, .answer = std::nullopt, .next = QueryRecord{}};
}

Action Lookup::on_record(const RecordResult& result, Time now) {
  used_network_ = true;
  if (!result && is_ours(result.error().code))
    return not_tried({result.error().code, "the record " + entry_.domain.record_name() +
                                               " could not be asked for from here: " + result.error().detail});
  RecordMemory& record = entry_.record;
  if (!result) {  // R20: not an answer, and no reason to forget anything
    record = {State::kFailed,
              now + rules_.dns_retry,
              {},
              std::string(error_name(result.error().code)) + ": " + result.error().detail};
  } else {
    const RecordFinding& finding = result->finding;
    record = {State::kAbsent, now + remembered_for(result->ttl), finding.id, finding.reason};
    if (finding.kind == RecordFinding::Kind::kInvalid) record.state = State::kInvalid;
    if (finding.kind == RecordFinding::Kind::kFound) record.state = State::kFound;
  }
  Action action = after_record(now);
  action.save = entry_;
  return action;
}

Action Lookup::on_fetch(const FetchResult& result, Time now) {
  used_network_ = true;
  if (!result && is_ours(result.error().code))
    return not_tried(
        {result.error().code, entry_.domain.text() + " has a record (id " + entry_.record.id +
                                  "), but its policy could not be fetched from here: " + result.error().detail});
  fetched_ = true;
  Result<Policy> policy = result.and_then([](const std::string& body) { return parse_policy(body); });
  if (policy) {  // R18: its age starts anew; R19: it replaces whatever there was
    entry_.policy = StoredPolicy{entry_.record.id, now, *result, std::move(*policy)};
    entry_.failure.reset();
  } else {
    note_failure(policy.error(), now);
  }
  Action action = finish(now);
  action.save = entry_;
  return action;
}

Action Lookup::on_dane(const DaneFinding& finding, Time now) {
  used_network_ = true;
  const bool failed = finding.kind == DaneState::kFailed;
  const seconds kept = failed ? rules_.dns_retry : std::max(remembered_for(finding.ttl), kMinDane);
  entry_.dane = DaneMemory{finding.kind, now + kept, finding.reason};
  Action action = fetched_ ? finish(now) : after_record(now);
  action.save = entry_;
  return action;
}

void Lookup::learn(std::optional<CacheEntry> stored) {
  if (!stored || stored->domain != entry_.domain || !stored->policy || stored->policy == seen_) return;
  seen_ = stored->policy;
  if (stored->policy == entry_.policy) return;
  entry_.policy = std::move(stored->policy);
  entry_.failure = std::move(stored->failure);
}

Outcome Lookup::so_far() const { return {entry_, progress_, !used_network_, fault_}; }

// The policy is fetched only where a record with an id was seen, also for a refresh: the record is how a domain says
// that it takes part (RFC 8461 §3.1), and leaving ends with its removal (R35), after which fetching every day would be
// of use to nobody. A policy in force stays in force meanwhile (R20).
Action Lookup::after_record(Time now) {
  if (entry_.record.state != State::kFound || !may_fetch(now)) return finish(now);
  const StoredPolicy* policy = entry_.policy_in_force(now);
  const bool current = policy != nullptr && policy->id == entry_.record.id;
  if (current && effort_ == Effort::kNormal && !refresh_due(*policy, rules_.refresh, now)) return finish(now);

  Action action{.save = std::nullopt, .answer = std::nullopt, .next = FetchPolicy{entry_.record.id}};
  if (current && effort_ == Effort::kNormal) {
    action = finish(now);  // once the answer is certain, the refresh goes on behind it
    if (!action.answer) return action;
    action.next = FetchPolicy{entry_.record.id};
  }
  progress_ = Outcome::Progress::kFetchPending;
  return action;
}

// Nothing was found out about the domain: nothing is saved, and nobody is told that there is no policy.
Action Lookup::not_tried(Error fault) {
  progress_ = Outcome::Progress::kNotTried;
  fault_ = std::move(fault);
  Action action{.save = std::nullopt, .answer = std::nullopt, .next = Finished{}};
  if (!answered_) action.answer = so_far();
  answered_ = true;
  return action;
}

Action Lookup::finish(Time now) {
  if (!answered_ && dane_missing(now)) {
    progress_ = Outcome::Progress::kDanePending;
    dane_asked_ = true;
    return {.save = std::nullopt, .answer = std::nullopt, .next = QueryDane{}};
  }
  progress_ = Outcome::Progress::kSettled;
  Action action{.save = std::nullopt, .answer = std::nullopt, .next = Finished{}};
  if (!answered_) action.answer = so_far();
  answered_ = true;
  return action;
}

seconds Lookup::remembered_for(seconds ttl) const {  // R23
  return std::max({std::min(ttl, rules_.max_ttl), rules_.min_ttl, seconds{0}});
}

// Only a policy that binds the sender can be in DANE's way.
bool Lookup::dane_missing(Time now) const {
  if (!rules_.ask_dane || dane_asked_) return false;
  const StoredPolicy* policy = entry_.policy_in_force(now);
  if (policy == nullptr || policy->policy.mode == Mode::kNone) return false;
  return !entry_.dane || now >= entry_.dane->until ||
         entry_.dane->until > now + std::max({rules_.min_ttl, rules_.max_ttl, rules_.dns_retry, kMinDane});
}

// A memory that reaches further than any answer may is from before the clock was set back.
bool Lookup::record_usable(Time now) const {
  const seconds longest = std::max({rules_.min_ttl, rules_.max_ttl, rules_.dns_retry});
  return entry_.record.state != State::kUnknown && now < entry_.record.until && entry_.record.until <= now + longest;
}

bool Lookup::may_fetch(Time now) const {
  if (const auto& policy = entry_.policy; policy && policy->id == entry_.record.id && now >= policy->expires() &&
                                          effort_ == Effort::kNormal && now < policy->fetched + kMinFetchInterval) {
    return false;
  }
  const auto& failure = entry_.failure;
  if (!failure || now >= failure->retry_at) return true;
  if (failure->retry_at > now + std::max(rules_.retry, kMaxBackOff)) return true;  // the clock was set back
  return failure->id != entry_.record.id && failure->streak < kMaxStreak;
}

void Lookup::note_failure(const Error& error, Time now) {
  FetchFailure next{entry_.record.id, 1, 1, {}, error};
  if (const auto& last = entry_.failure) {
    if (last->id == next.id) next.count = last->count + 1;
    // Failures further apart than the longest back-off are no row.
    if (now < last->retry_at + kMaxBackOff) next.streak = last->streak + 1;
  }
  next.retry_at = now + back_off(next, rules_.retry);
  entry_.failure = std::move(next);
}

}  // namespace mtasts
