#include "core/lookup.h"

#include <algorithm>
#include <utility>

namespace mtasts {
namespace {

using std::chrono::seconds;
using State = RecordMemory::State;

constexpr seconds kMaxBackOff{3600};  // R15
// After this many failures in a row the back-off holds for new ids too: R15 lets a new id be tried at once, but a host
// that changes its id with every question must not make us fetch every time.
constexpr unsigned kMaxStreak = 5;
// A policy that has expired is fetched again at once, but not more often than this: its max_age may be 0.
constexpr seconds kMinFetchInterval{1};
// Whether DANE has a say is cached for this long at least: the MTA itself looks at the records at every connection.
constexpr seconds kMinDane{60};
// What is answered is decided by a moment later, perhaps in another process.
constexpr seconds kDecidedWithin{10};

seconds back_off(const FetchFailure& failure, seconds retry) {
  const unsigned doublings =
      std::max(failure.count, failure.streak >= kMaxStreak ? failure.streak - kMaxStreak + 1 : 1);
  seconds pause = retry;
  for (unsigned i = 1; i < doublings && pause < kMaxBackOff; ++i) pause *= 2;
  return std::min(pause, std::max(retry, kMaxBackOff));
}

// A policy is fetched again when it is older than `refresh`, or when less than an eighth of its life is left, and
// before it expires in any case: then a short-lived one has several chances (R21).
WallTime due_at(const StoredPolicy& policy, seconds refresh) {
  return std::min(policy.fetched + refresh, policy.expires() - std::max(policy.policy.max_age / 8, seconds{1}));
}

// A policy from the future is refreshed to set its time right.
bool refresh_due(const StoredPolicy& policy, seconds refresh, WallTime now) {
  return policy.fetched > now || now >= due_at(policy, refresh);
}

}  // namespace

Lookup::Lookup(Domain domain, std::optional<CacheEntry> cached, Effort effort, const LookupRules& rules)
    : entry_{cached && cached->domain == domain ? std::move(*cached) : CacheEntry{std::move(domain), {}, {}, {}}},
      last_stored_(entry_.policy),
      for_delivery_(effort == Effort::kNormal),
      for_refresh_(effort == Effort::kRefresh),
      rules_(rules) {}

Action Lookup::start(WallTime now) {
  if (!for_refresh_ && record_usable(now)) {
    // No background refresh from here: what is cached is answered without touching the network. The record's time to
    // live, which ends when the policy is due (limit_record), brings the refresh about, or the timer's
    // Effort::kRefresh.
    const StoredPolicy* policy = entry_.policy_in_force(now);
    const bool current = policy != nullptr && (entry_.record.state != State::kFound || policy->id == entry_.record.id);
    return current ? finish(now) : after_record(now);
  }
  progress_ = Outcome::Progress::kRecordPending;
  return {.save = std::nullopt, .answer = std::nullopt, .next = QueryRecord{}};
}

Action Lookup::on_record(const RecordResult& result, WallTime now) {
  used_network_ = true;
  if (!result && is_ours(result.error().code))
    return not_tried({result.error().code, "the record " + entry_.domain.record_name() +
                                               " could not be asked for from here: " + result.error().detail},
                     now);
  RecordMemory& record = entry_.record;
  if (!result) {  // R20: not an answer, and no reason to forget anything
    record = {State::kFailed,
              now + rules_.dns_retry,
              {},
              std::string(error_name(result.error().code)) + ": " + result.error().detail};
  } else {
    const RecordFinding& finding = result->finding;
    const bool found = finding.kind == RecordFinding::Kind::kFound;
    record = {State::kAbsent, now + cached_for(result->ttl), finding.id, finding.reason};
    if (finding.kind == RecordFinding::Kind::kInvalid) record.state = State::kInvalid;
    if (found) record.state = State::kFound;
  }
  good_until_ = record.until;
  limit_record(now);
  Action action = after_record(now);
  action.save = entry_;
  return action;
}

Action Lookup::on_fetch(const FetchResult& result, WallTime now, Rival rival) {
  used_network_ = true;
  if (!result && is_ours(result.error().code)) {
    const std::string what = entry_.record.state == State::kFound
                                 ? entry_.domain.text() + " has a record (id " + entry_.record.id + "), but its policy"
                                 : "the policy of " + entry_.domain.text();
    return not_tried({result.error().code, what + " could not be fetched from here: " + result.error().detail}, now);
  }
  fetched_ = true;
  Result<Policy> policy = result.and_then([](const std::string& body) { return parse_policy(body); });
  const bool is_overtaken =
      rival == Rival::kNewer && entry_.policy != before_fetch_ && entry_.policy_in_force(now) != nullptr;
  // Who was quicker may have begun earlier: the record, asked for once more, says whose policy is the current one.
  if (policy && is_overtaken && entry_.policy->id != fetching_ && !std::exchange(asked_again_, true)) {
    fetched_ = false;
    progress_ = Outcome::Progress::kRecordPending;
    return {.save = std::nullopt, .answer = std::nullopt, .next = QueryRecord{}};
  }
  if (policy && is_overtaken) {
    entry_.failure.reset();
  } else if (policy) {  // R18: its age starts anew; R19: it replaces whatever there was
    entry_.policy = StoredPolicy{fetching_, now, *result, std::move(*policy)};
    entry_.failure.reset();
  } else {
    note_failure(policy.error(), now);
  }
  if (policy) limit_record(now);
  Action action = finish(now);
  action.save = entry_;
  return action;
}

Action Lookup::on_dane(const DaneFinding& finding, WallTime now) {
  used_network_ = true;
  if (finding.not_tried) instead_of_dane_ = outliving(entry_.dane, finding.reason, now);
  if (instead_of_dane_) return fetched_ ? finish(now) : after_record(now);
  const bool failed = finding.kind == DaneState::kFailed;
  const seconds kept = failed ? rules_.dns_retry : std::max(cached_for(finding.ttl), kMinDane);
  entry_.dane = DaneMemory{finding.kind, now + kept, finding.reason, finding.hosts};
  Action action = fetched_ ? finish(now) : after_record(now);
  action.save = entry_;
  return action;
}

void Lookup::merge_stored(std::optional<CacheEntry> stored) {
  if (!stored || stored->domain != entry_.domain || !stored->policy || stored->policy == last_stored_) return;
  last_stored_ = stored->policy;
  entry_.policy = std::move(stored->policy);
  entry_.failure = std::move(stored->failure);
}

void Lookup::join(Effort effort) { (effort == Effort::kRefresh ? for_refresh_ : for_delivery_) = true; }

Outcome Lookup::so_far() const {
  Outcome outcome{entry_, progress_, !used_network_, fault_};
  if (instead_of_dane_) outcome.entry.dane = instead_of_dane_;
  return outcome;
}

// Mode none protects nothing: its domain may have come back. A finding that has failed would make the mail wait.
std::optional<Outcome> Lookup::without_record(WallTime now, std::string_view our_fault) const {
  if (progress_ != Outcome::Progress::kRecordPending) return std::nullopt;
  const WallTime decided = now + kDecidedWithin;
  if (entry_.binding_policy(decided) == nullptr) return std::nullopt;
  Outcome outcome = so_far();
  auto& dane = outcome.entry.dane;
  if (dane_missing(decided)) dane = our_fault.empty() ? std::nullopt : outliving(dane, our_fault, decided);
  if (rules_.ask_dane && (!dane || dane->state == DaneState::kFailed)) return std::nullopt;
  return outcome;
}

bool Lookup::has_answer(WallTime now) const {
  const StoredPolicy* policy = entry_.policy_in_force(now);
  if (answered_) return !entry_.policy || policy != nullptr;
  const bool is_refreshed = progress_ == Outcome::Progress::kFetchPending && policy != nullptr;
  return is_refreshed && policy->id == fetching_ && !dane_missing(now);
}

// A domain's first policy is fetched only where a record with an id was seen: the record is how a domain says that it
// takes part (RFC 8461 §3.1). The refresh of a policy in force needs none, or whoever can keep the record away could
// let the policy expire (RFC 8461 §10.2). It is stored under the id it had, so that a record that is seen again with
// another id has it fetched again (R18). Mode none protects nothing that could be lost: its domain's record brings it
// back.
std::optional<std::string> Lookup::id_to_fetch(WallTime now) const {
  if (entry_.record.state == State::kFound) return entry_.record.id;
  const StoredPolicy* policy = entry_.binding_policy(now);
  return policy == nullptr ? std::nullopt : std::optional(policy->id);
}

Action Lookup::after_record(WallTime now) {
  const std::optional<std::string> id = id_to_fetch(now);
  if (!id || !may_fetch(*id, now)) return finish(now);
  const StoredPolicy* policy = entry_.policy_in_force(now);
  const bool current = policy != nullptr && policy->id == *id;
  if (current && !for_refresh_ && !refresh_due(*policy, rules_.refresh, now)) return finish(now);

  Action action{.save = std::nullopt, .answer = std::nullopt, .next = FetchPolicy{*id}};
  // A delivery that joins the refresh is not to wait for DANE until the policy has been fetched.
  if (current && !for_delivery_ && dane_missing(now)) return ask_for_dane();
  if (current && for_delivery_) {
    action = finish(now);  // once the answer is certain, the refresh goes on behind it
    if (!action.answer) return action;
    action.next = FetchPolicy{*id};
  }
  fetching_ = *id;
  before_fetch_ = entry_.policy;
  progress_ = Outcome::Progress::kFetchPending;
  return action;
}

// Nothing was found out about the domain: nothing is saved, and nobody is told that there is no policy.
Action Lookup::not_tried(Error fault, WallTime now) {
  progress_ = Outcome::Progress::kNotTried;
  instead_of_dane_ = outliving(entry_.dane, fault.detail, now);
  fault_ = std::move(fault);
  Action action{.save = std::nullopt, .answer = std::nullopt, .next = Finished{}};
  if (!answered_) action.answer = so_far();
  answered_ = true;
  return action;
}

Action Lookup::ask_for_dane() {
  progress_ = Outcome::Progress::kDanePending;
  dane_asked_ = true;
  return {.save = std::nullopt, .answer = std::nullopt, .next = QueryDane{}};
}

Action Lookup::finish(WallTime now) {
  if (!answered_ && dane_missing(now)) return ask_for_dane();
  progress_ = Outcome::Progress::kSettled;
  Action action{.save = std::nullopt, .answer = std::nullopt, .next = Finished{}};
  if (!answered_) action.answer = so_far();
  answered_ = true;
  return action;
}

seconds Lookup::cached_for(seconds ttl) const {  // R23
  return std::max({std::min(ttl, rules_.max_ttl), rules_.min_ttl, seconds{0}});
}

// This pause or half of the time in which the policy is still in force.
seconds Lookup::before_expiry(seconds pause, WallTime now) const {
  const StoredPolicy* policy = entry_.binding_policy(now);
  if (policy == nullptr) return pause;
  const seconds left = policy->expires() - now;
  return std::min(pause, std::max(left / 2, seconds{1}));
}

// An answer about the record, also that there is none or that nobody answered, is cached for no longer than until the
// policy in force is due, however soon that is: the next lookup after that refreshes it (R21). One that is due already
// has this lookup to refresh it, and where that fails another one before it expires, unless it is backed off (R15).
void Lookup::limit_record(WallTime now) {
  const StoredPolicy* policy = entry_.binding_policy(now);
  if (policy == nullptr) return;
  const WallTime limit = refresh_due(*policy, rules_.refresh, now)
                             ? now + before_expiry(std::max(rules_.min_ttl, rules_.dns_retry), now)
                             : due_at(*policy, rules_.refresh);
  entry_.record.until = std::min(good_until_.value_or(entry_.record.until), limit);
}

// Only a policy that binds the sender can be in DANE's way.
bool Lookup::dane_missing(WallTime now) const {
  if (!rules_.ask_dane || dane_asked_ || entry_.binding_policy(now) == nullptr) return false;
  return !entry_.dane || now >= entry_.dane->until ||
         entry_.dane->until > now + std::max({rules_.min_ttl, rules_.max_ttl, rules_.dns_retry, kMinDane});
}

// A memory that reaches further than any answer may is from before the clock was set back.
bool Lookup::record_usable(WallTime now) const {
  const seconds longest = std::max({rules_.min_ttl, rules_.max_ttl, rules_.dns_retry});
  return entry_.record.state != State::kUnknown && now < entry_.record.until && entry_.record.until <= now + longest;
}

bool Lookup::may_fetch(const std::string& id, WallTime now) const {
  if (const auto& policy = entry_.policy; policy && policy->id == id && now >= policy->expires() && !for_refresh_ &&
                                          now < policy->fetched + kMinFetchInterval) {
    return false;
  }
  const auto& failure = entry_.failure;
  if (!failure || now >= failure->retry_at) return true;
  if (failure->retry_at > now + std::max(rules_.retry, kMaxBackOff)) return true;  // the clock was set back
  return failure->id != id && failure->streak < kMaxStreak;
}

// Where DNS gave neither the record nor an address, the policy host was not asked: no attempt that counts for R15, or
// an outage of the resolver would keep policies from being fetched after its end.
void Lookup::note_failure(const Error& error, WallTime now) {
  const bool in_dns = is_dns_failure(error.code);
  const bool counts = !in_dns || entry_.record.state == State::kFound;
  FetchFailure next{fetching_, 0, 0, {}, error};
  if (const auto& last = entry_.failure) {
    if (last->id == next.id) next.count = last->count;
    // Failures further apart than the longest back-off are no row.
    if (now < last->retry_at + kMaxBackOff) next.streak = last->streak;
  }
  if (counts) ++next.count, ++next.streak;
  next.retry_at = now + (counts ? back_off(next, rules_.retry) : before_expiry(rules_.dns_retry, now));
  entry_.failure = std::move(next);
}

}  // namespace mtasts
