// What is cached of one policy domain, and its byte form: text that a person can read
// (docs/adr/0001-store-of-files.md).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/domain.h"
#include "core/policy.h"
#include "core/result.h"
#include "core/time.h"

namespace mtasts {

// The last answer about the TXT record and how long it may be used without asking again (R23).
struct RecordMemory {
  enum class State {
    kUnknown,  // never asked
    kAbsent,   // NXDOMAIN, NODATA, no STSv1 record
    kInvalid,  // several, or malformed (R5)
    kFound,
    kFailed,  // could not be asked: SERVFAIL, timeout, unreachable (R20)
  };
  State state = State::kUnknown;
  WallTime until{};    // usable while now < until
  std::string id;      // kFound
  std::string detail;  // kInvalid, kFailed: reason, escaped, one line

  friend bool operator==(const RecordMemory&, const RecordMemory&) = default;
};

// A policy as it was fetched; in force while now < expires (R17, R22).
struct StoredPolicy {
  std::string id;  // of the record that led to it
  WallTime fetched{};
  std::string body;  // exact bytes
  Policy policy;     // parsed from body

  [[nodiscard]] WallTime expires() const { return fetched + policy.max_age; }
  friend bool operator==(const StoredPolicy&, const StoredPolicy&) = default;
};

// The last failed fetch for a record id, and when that id may be tried again (R15).
struct FetchFailure {
  std::string id;
  unsigned count = 0;   // failures of this id in a row
  unsigned streak = 0;  // failures in a row whatever the id: bounds what a host can cause by changing its id
  WallTime retry_at{};
  Error error{ErrorCode::kPolicyFetch, {}};  // kDns*: nobody told the addresses of the policy host

  // The same as RFC 8460 has it: what failed in DNS is an sts-policy-fetch-error.
  [[nodiscard]] Error reported() const;

  friend bool operator==(const FetchFailure&, const FetchFailure&) = default;
};

// Which of a domain's MX hosts are judged by DANE (R29; core/dane.h says how that is found out).
enum class DaneState {
  kNone,    // none
  kUsable,  // every host that may be used
  kPartly,  // some; of the others it is not known, or DANE has no say
  kFailed,  // could not be found out
};

inline constexpr std::size_t kMaxDaneHosts = 20;

// Lower-case letters, digits, hyphens and dots, at most 253 octets: has no meaning of its own in anybody's language.
bool is_plain_host_name(std::string_view name);

struct DaneMemory {
  DaneState state = DaneState::kNone;
  WallTime until{};  // usable while now < until
  std::string detail;
  std::vector<std::string> hosts = {};  // DaneFinding::hosts

  friend bool operator==(const DaneMemory&, const DaneMemory&) = default;
};

struct CacheEntry {
  Domain domain;
  RecordMemory record;
  std::optional<StoredPolicy> policy;
  std::optional<FetchFailure> failure;
  std::optional<DaneMemory> dane = std::nullopt;

  // The policy in force at `now`, or nullptr (R17, R22). What a clock that was set back means: see the .cc.
  [[nodiscard]] const StoredPolicy* policy_in_force(WallTime now) const;
  // The same, unless its mode is none: one that a delivery or a report follows.
  [[nodiscard]] const StoredPolicy* binding_policy(WallTime now) const;
  friend bool operator==(const CacheEntry&, const CacheEntry&) = default;
};

// The earliest moment after `now` at which something of the entry expires or may be tried again; nullopt: nothing
// does.
std::optional<WallTime> next_change(const CacheEntry& entry, WallTime now);

inline constexpr std::size_t kMaxEntryBytes = kMaxPolicyBytes + 10'240;

// Never longer than kMaxEntryBytes for a policy of at most kMaxPolicyBytes. Details come back as they were as long as
// they are what Error promises (one line, escaped, at most 1000 bytes).
std::string serialize(const CacheEntry& entry);

// Bounded, strict. Of an entry that another version of the format wrote only the policy is read, so that neither an
// upgrade nor a downgrade loses one (R17); the record is asked for again. Error kLocalFault: its sum is right, but its
// form is unknown; a policy may be in force there, so it is no absence, and nothing may replace it. Error
// kStoreDamaged: anything else that serialize() did not write, or an entry of another domain than `expected`.
//
// What every version keeps, so that the others can read its policies: at most kMaxEntryBytes; the first line
// "mtasts-cache <number>", the second "domain: <domain>"; a line "policy: id=<id> fetched=<time> bytes=<number>" when
// and only when there is a policy; "sum: <sum>" as the last line before the first blank one; the policy's bytes, and
// nothing else, after that.
Result<CacheEntry> parse_cache_entry(std::string_view bytes, const Domain& expected);

}  // namespace mtasts
