// A lookup that is told what happens, in one line an event.
#pragma once

#include <optional>
#include <string>

#include "core/lookup.h"
#include "tests/unit/core/builders.h"

namespace mtasts::test {

inline RecordResult found(std::string id, std::chrono::seconds ttl = std::chrono::seconds{300}) {
  return RecordAnswer{{RecordFinding::Kind::kFound, std::move(id), {}}, ttl};
}
inline RecordResult absent(std::chrono::seconds ttl = std::chrono::seconds{300}) {
  return RecordAnswer{{RecordFinding::Kind::kAbsent, {}, {}}, ttl};
}
inline RecordResult malformed(std::chrono::seconds ttl = std::chrono::seconds{300}) {
  return RecordAnswer{{RecordFinding::Kind::kInvalid, {}, "there is more than one STSv1 record"}, ttl};
}

inline const RecordResult kServfail = fail(ErrorCode::kDnsFailure, "SERVFAIL");
inline const RecordResult kTimeout = fail(ErrorCode::kDnsTimeout, "no answer in 5 s");
inline const RecordResult kUnreachable = fail(ErrorCode::kDnsUnreachable, "connection refused");
inline const RecordResult kFailures[] = {kServfail, kTimeout, kUnreachable};

inline std::string next_of(const Action& action) {
  if (const auto* fetch = std::get_if<FetchPolicy>(&action.next)) return "fetch " + fetch->id;
  if (std::holds_alternative<QueryDane>(action.next)) return "dane";
  return std::holds_alternative<QueryRecord>(action.next) ? "query" : "finished";
}

// One domain over time: each lookup starts with what the one before has saved.
class Life {
 public:
  explicit Life(LookupRules rules = {}) : rules_(rules) {}

  Action start(Lookup::Effort effort = Lookup::Effort::kNormal) {
    lookup_.emplace(domain(), entry, effort, rules_);
    answer.reset();
    return noted(lookup_->start(now));
  }
  Action refresh() { return start(Lookup::Effort::kRefresh); }
  Action record(const RecordResult& result) { return noted(lookup_->on_record(result, now)); }
  Action fetched(const FetchResult& result, Lookup::Rival rival = Lookup::Rival::kOlder) {
    return noted(lookup_->on_fetch(result, now, rival));
  }
  Action fetch_fails(ErrorCode code = ErrorCode::kPolicyFetch) { return fetched(fail(code, "no such luck")); }
  Action dane(DaneState state, std::chrono::seconds ttl = std::chrono::seconds{300}) {
    return noted(lookup_->on_dane({state, ttl, "so it is"}, now));
  }
  Action dane_not_tried() {
    return noted(
        lookup_->on_dane({.kind = DaneState::kFailed, .reason = "too many questions", .not_tried = true}, now));
  }
  void merge_stored(const CacheEntry& stored) { lookup_->merge_stored(stored); }
  [[nodiscard]] Outcome so_far() const { return lookup_->so_far(); }
  [[nodiscard]] std::optional<Outcome> without_record(std::string_view our_fault = {}) const {
    return lookup_->without_record(now, our_fault);
  }

  void pass(std::chrono::seconds time) { now += time; }

  // The whole way to a policy in force.
  void adopt(std::string id, std::string body = policy_body()) {
    start();
    record(found(std::move(id)));
    fetched(std::move(body));
  }

  // The mode in force by the answer given, "-" without a policy, "?" without an answer.
  [[nodiscard]] std::string told() const {
    if (!answer) return "?";
    const StoredPolicy* policy = answer->entry.policy_in_force(now);
    return policy == nullptr ? "-" : std::string(mode_name(policy->policy.mode)) + " " + policy->id;
  }

  WallTime now = kNow;
  std::optional<CacheEntry> entry;  // what the store holds
  std::optional<Outcome> answer;    // of the lookup under way
  int answers = 0;

 private:
  Action noted(Action action) {
    if (action.save) entry = action.save;
    if (action.answer) {
      answer = action.answer;
      ++answers;
    }
    return action;
  }

  LookupRules rules_;
  std::optional<Lookup> lookup_;
};

}  // namespace mtasts::test
