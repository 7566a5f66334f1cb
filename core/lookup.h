// The life of one lookup as a state machine without input or output: events in, actions out (R15-R23). Time is an
// argument. The engine in module/ carries the actions out.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>
#include <variant>

#include "core/cache_entry.h"
#include "core/dane.h"
#include "core/record.h"
#include "core/result.h"

namespace mtasts {

struct LookupRules {
  std::chrono::seconds min_ttl{60};  // bounds on how long a record answer is cached (R23); 0 = the record's own TTL
  std::chrono::seconds max_ttl{86'400};
  std::chrono::seconds retry{300};       // first back-off after a failed fetch, doubled up to an hour (R15)
  std::chrono::seconds refresh{86'400};  // a policy older than this is fetched again (R21)
  std::chrono::seconds dns_retry{10};    // how long a failed DNS question is not repeated
  bool ask_dane = false;                 // where a policy is in force: find out whether DANE goes before it (R29)
};

// What is known when an answer is wanted. The entry always belongs to the domain asked for.
struct Outcome {
  enum class Progress {
    kSettled,        // nothing is missing
    kRecordPending,  // the record question has no answer yet
    kFetchPending,   // there is a record, the policy is still being fetched
    kNotTried,       // record or policy could not be asked for, for a reason of our own: `fault`
    kNotAsked,       // another process is looking it up, and has not finished
    kDanePending,    // there is a policy, whether DANE goes before it is still being asked
  };
  CacheEntry entry;
  Progress progress = Progress::kSettled;
  bool from_cache = true;        // no network answer was needed
  std::optional<Error> fault{};  // of kNotTried: is_ours(), and its detail says what was not tried
};

struct QueryRecord {};
struct FetchPolicy {
  std::string id;
};
struct QueryDane {};
struct Finished {};

// Carried out in this order: save, answer, next.
struct Action {
  std::optional<CacheEntry> save;
  std::optional<Outcome> answer;  // given exactly once in a machine's life, as early as it is certain
  std::variant<QueryRecord, FetchPolicy, QueryDane, Finished> next;
};

struct RecordAnswer {
  RecordFinding finding;
  std::chrono::seconds ttl{0};
};
using RecordResult = Result<RecordAnswer>;  // error: kDns*, or is_ours(): it was not asked for
// The body of the policy file. Error kDns*: the addresses of the policy host could not be asked for; kPolicyFetch,
// kWebPkiInvalid (kPolicyInvalid is found here, by parsing); or is_ours(): it was not tried.
using FetchResult = Result<std::string>;

class Lookup {
 public:
  enum class Effort {
    kNormal,   // what a delivery needs
    kRefresh,  // ask for the record and fetch the policy again even if none is due; back-off still holds (R15, R21)
  };

  // `cached`: what the store has, if anything.
  Lookup(Domain domain, std::optional<CacheEntry> cached, Effort effort, const LookupRules& rules);

  // First call. Then exactly one on_* call answers each QueryRecord, FetchPolicy or QueryDane, until Finished.
  Action start(WallTime now);
  Action on_record(const RecordResult& result, WallTime now);
  // A policy that another process saved while this one fetched is older or newer than what was fetched; `rival` says
  // which. Of a newer one with another id the record is asked once more.
  enum class Rival { kOlder, kNewer };
  Action on_fetch(const FetchResult& result, WallTime now, Rival rival = Rival::kOlder);
  Action on_dane(const DaneFinding& finding, WallTime now);

  // What the store has by now, before each on_* call: a policy that another process fetched meanwhile becomes ours, so
  // that what we save does not undo it (R17).
  void merge_stored(std::optional<CacheEntry> stored);

  // One more caller, who may want more than the others: it counts for all that is still to be decided.
  void join(Effort effort);

  // For a caller whose deadline comes before the answer: what is known so far.
  [[nodiscard]] Outcome so_far() const;
  // What a delivery can go by before the record is answered: a policy that protects, for some seconds more at least,
  // and what is known of DANE. nullopt: that is not enough, or the record is answered. `our_fault`: why something here
  // holds the record up; then DANE's finding of before will do (outliving()). "": name servers do.
  [[nodiscard]] std::optional<Outcome> without_record(WallTime now, std::string_view our_fault) const;
  // Is that all a delivery needs, although the machine goes on? Not if the policy has expired meanwhile (R22): then
  // there may be another one in a moment.
  [[nodiscard]] bool has_answer(WallTime now) const;

 private:
  [[nodiscard]] std::optional<std::string> id_to_fetch(WallTime now) const;
  Action after_record(WallTime now);
  Action not_tried(Error fault, WallTime now);
  Action ask_for_dane();
  Action finish(WallTime now);
  [[nodiscard]] std::chrono::seconds cached_for(std::chrono::seconds ttl) const;
  [[nodiscard]] std::chrono::seconds before_expiry(std::chrono::seconds pause, WallTime now) const;
  void limit_record(WallTime now);
  [[nodiscard]] bool dane_missing(WallTime now) const;
  [[nodiscard]] bool record_usable(WallTime now) const;
  [[nodiscard]] bool may_fetch(const std::string& id, WallTime now) const;
  void note_failure(const Error& error, WallTime now);

  CacheEntry entry_;
  std::optional<StoredPolicy> last_stored_;  // in the store: only another one is news, which may not have taken ours
  bool for_delivery_;                        // it is answered as early as it is certain
  bool for_refresh_;
  LookupRules rules_;
  std::string fetching_;                      // the id under which the policy is fetched
  std::optional<StoredPolicy> before_fetch_;  // what there was when the fetch began
  std::optional<WallTime> good_until_;        // the record that this lookup has asked for, by its own time to live
  Outcome::Progress progress_ = Outcome::Progress::kRecordPending;
  std::optional<Error> fault_;
  std::optional<DaneMemory> instead_of_dane_;  // in answers, not in what is saved: the finding that outlives its end
  bool answered_ = false;
  bool fetched_ = false;      // there is nothing more to fetch
  bool asked_again_ = false;  // for the record, because another process saved another policy
  bool dane_asked_ = false;   // once is enough, though what came of it may run out while the policy is fetched
  bool used_network_ = false;
};

}  // namespace mtasts
