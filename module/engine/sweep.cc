#include "module/engine/sweep.h"

#include <algorithm>
#include <utility>

#include "module/store/clock_watch.h"
#include "module/tlsrpt/slots.h"

namespace mtasts {
namespace {

constexpr std::chrono::hours kWarnedAgain{23};
// Read in one step: in between, the process answers those who ask.
constexpr std::size_t kFilesAtOnce = 32;
constexpr const char* kTooLate = "no answer came in time";

// Found out now: what was cached before is no answer to a question that got none.
bool has_no_record(const Outcome& outcome) {
  return !outcome.from_cache && !outcome.fault && outcome.entry.record.state == RecordMemory::State::kAbsent;
}

// Empty: it was found.
std::string why_no_record(const CacheEntry& entry) {
  using State = RecordMemory::State;
  if (entry.record.state == State::kFound) return {};
  if (entry.record.state != State::kAbsent) return "the record cannot be read: " + entry.record.detail;
  return entry.policy ? "the domain has no MTA-STS record any more" : "the domain has no MTA-STS record";
}

// Empty: the policy was fetched again. What was fetched in the second in which the round began tells nothing by its
// time.
std::string why_not_refreshed(const Outcome& outcome, WallTime begin) {
  const CacheEntry& entry = outcome.entry;
  if (outcome.fault) return outcome.fault->detail;
  if (outcome.from_cache) return kTooLate;
  if (!entry.failure && entry.policy && entry.policy->fetched >= begin) return {};
  const std::string record = why_no_record(entry);
  if (entry.failure && (record.empty() || entry.binding_policy(begin) != nullptr))  // a refresh needs no record
    return (record.empty() ? "" : record + "; ") + std::string(error_name(entry.failure->reported().code)) + ": " +
           entry.failure->error.detail;
  return record.empty() ? kTooLate : record;
}

std::string count(std::size_t number, const std::string& one, const std::string& many) {
  return std::to_string(number) + " " + (number == 1 ? one : many);
}

}  // namespace

std::string summary_line(const SweepSummary& summary) {
  return "refreshed " + std::to_string(summary.refreshed) + " of " + count(summary.due, "policy", "policies") +
         " due, " + std::to_string(summary.in_force) + " in force, " + std::to_string(summary.forgotten) +
         " forgotten" +
         (summary.damaged == 0
              ? ""
              : ", " + count(summary.damaged, "damaged entry", "damaged entries") + " looked up again");
}

Sweep::Sweep(Deps deps, const SweepRules& rules, std::chrono::milliseconds lookup_timeout, unsigned at_once)
    : deps_(std::move(deps)), rules_(rules), lookup_timeout_(lookup_timeout), at_once_(at_once) {}

void Sweep::run(Done done) {
  done_ = std::move(done);
  stamps_ = deps_.store.throttle().stamps();
  remove_unfinished_slots(deps_.store.directory());
  clock_is_steady_ = ClockWatch(deps_.store.directory()).is_steady(deps_.clock());
  later([this] { remove_old_stamps(); });
}

void Sweep::refresh(std::vector<Domain> domains, Done done) {
  done_ = std::move(done);
  asked_by_name_ = true;
  for (auto& domain : domains) waiting_.push_back({std::move(domain), {}});
  later([this] { begin_refreshing(); });
}

void Sweep::later(std::function<void()> step) {
  step_ = deps_.loop.after(std::chrono::milliseconds(0), std::move(step));
}

void Sweep::remove_old_stamps() {
  deps_.store.throttle().remove_old(stamps_, kFilesAtOnce);
  if (!stamps_.empty()) return later([this] { remove_old_stamps(); });
  look_through(0);
}

// What cannot be read, the log was told; the rest is kept fresh all the same.
void Sweep::look_through(unsigned shard) {
  if (shard == FileStore::kShards) {
    std::ranges::stable_sort(waiting_, {}, &Candidate::used);  // the last used is taken first, from the end
    return begin_refreshing();
  }
  auto listed = deps_.store.list(shard);
  if (!listed) {
    summary_.unread = listed.error();
    return later([this, shard] { look_through(shard + 1); });
  }
  part_ = *std::move(listed);
  later([this] { go_on(); });
}

void Sweep::go_on() {
  deps_.store.go_on(
      part_, kFilesAtOnce, [this](const CacheEntry& entry, WallTime used) { look_at(entry, used); },
      [this](const Domain& domain, WallTime used) { look_at_damaged(domain, used); });
  if (!part_.left.empty()) return later([this] { go_on(); });
  if (!part_.visited) summary_.unread = part_.visited.error();
  look_through(part_.shard + 1);
}

void Sweep::look_at(const CacheEntry& entry, WallTime used) {
  const WallTime now = deps_.clock();
  ++summary_.domains;
  if (entry.policy_in_force(now) != nullptr) ++summary_.in_force;
  switch (sweep_action(entry, used, rules_, now)) {
    case SweepAction::kKeep:
      return;
    case SweepAction::kRefresh:
      waiting_.push_back({entry.domain, used});
      return;
    case SweepAction::kForget:
      if (!may_go(entry, used)) return;
      return forget(entry.domain,
                    [this, used](const auto& now_there) { return now_there && may_go(*now_there, used); });
  }
}

void Sweep::look_at_damaged(const Domain& domain, WallTime used) {
  if (sweep_action_of_damaged(used, rules_, deps_.clock()) == SweepAction::kRefresh) {
    ++summary_.damaged;
    waiting_.push_back({domain, used, true});
  } else if (clock_is_steady_) {
    forget(domain, [](const auto& now_there) { return !now_there; });
  }
}

// By a clock that is a year ahead every policy has expired and was not used for a year. When the clock is right again
// they are in force (R17).
bool Sweep::may_go(const CacheEntry& entry, WallTime used) const {
  return sweep_action(entry, used, rules_, deps_.clock()) == SweepAction::kForget &&
         (!entry.policy || clock_is_steady_);
}

// Under both claims, and after another look: a lookup may just have put something new there.
void Sweep::forget(const Domain& domain, const StillUseless& still_useless) {
  const auto first = deps_.store.claim(domain, PolicyStore::Slot::kFirst);
  const auto second = deps_.store.claim(domain, PolicyStore::Slot::kSecond);
  if (!first || !second) return;
  const auto stored = deps_.store.get(domain);
  if (!stored || !still_useless(*stored)) return;
  const auto removed = deps_.store.remove(domain);  // not ours to write: then it stays
  if (removed == FileStore::Removal::kRemoved) ++summary_.forgotten;
}

void Sweep::begin_refreshing() {
  summary_.due = waiting_.size() - summary_.damaged;
  refresh_next();
}

void Sweep::refresh_next() {
  const std::size_t all = summary_.due + summary_.damaged;
  if (deps_.progress) deps_.progress(all - waiting_.size() - under_way_, all);
  while (under_way_ < at_once_ && !waiting_.empty()) {
    const Candidate candidate = std::move(waiting_.back());
    waiting_.pop_back();
    ++under_way_;
    deps_.lookups.lookup(
        candidate.domain, Lookup::Effort::kRefresh, lookup_timeout_,
        [this, candidate, begin = deps_.clock()](const Outcome& outcome) { refreshed(candidate, begin, outcome); });
  }
  if (under_way_ > 0) return;
  const Done done = std::move(done_);
  const SweepSummary summary = std::move(summary_);
  done(summary);
}

void Sweep::refreshed(const Candidate& candidate, WallTime begin, const Outcome& outcome) {
  --under_way_;
  if (asked_by_name_ && outcome.entry.policy_in_force(deps_.clock()) != nullptr) ++summary_.in_force;
  const auto stored = deps_.store.get(candidate.domain);
  if (!stored) {
    tell(candidate.domain, stored.error().detail);
  } else if (candidate.damaged) {
    if (!*stored) tell(candidate.domain, "what is cached of it is damaged and could not be replaced");
  } else if (asked_by_name_ && has_no_record(outcome) && outcome.entry.binding_policy(begin) == nullptr) {
    ++summary_.without_record;
  } else if (auto why = why_not_refreshed(outcome, begin); !why.empty()) {
    tell(candidate.domain, std::move(why));
  } else if (const auto& kept = *stored; !kept || !kept->policy || kept->policy->fetched < begin) {
    tell(candidate.domain, "it could not be saved");
  } else {
    ++summary_.refreshed;
  }
  later([this] { refresh_next(); });
}

void Sweep::tell(const Domain& domain, std::string why) {
  if (asked_by_name_ || deps_.store.throttle().is_due(throttle_name("refresh", domain), kWarnedAgain))
    summary_.failures.push_back({domain, std::move(why)});
}

}  // namespace mtasts
