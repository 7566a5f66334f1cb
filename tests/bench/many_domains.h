// The domains of the benches of stores and servers: domain0.bench.test and so on, one in twenty with a policy, the rest
// known to have no record.
#pragma once

#include <string>

#include "core/cache_entry.h"

namespace mtasts::bench {

inline constexpr int kOneInHasAPolicy = 20;

inline std::string domain_name(int number) { return "domain" + std::to_string(number) + ".bench.test"; }

inline bool has_policy(int number) { return number % kOneInHasAPolicy == 0; }

inline constexpr const char* kPolicy =
    "version: STSv1\r\nmode: enforce\r\nmx: mx1.mail.bench.test\r\nmx: *.backup.bench.test\r\nmax_age: 604800\r\n";

// What is cached of the domain when everything was asked for, and may be used until `until`.
inline CacheEntry entry_of(int number, WallTime now, WallTime until) {
  CacheEntry entry{*Domain::parse(domain_name(number)), {RecordMemory::State::kAbsent, until, {}, {}}, {}, {}};
  if (!has_policy(number)) return entry;
  entry.record = {RecordMemory::State::kFound, until, "20261101T000000Z", {}};
  entry.policy = StoredPolicy{"20261101T000000Z", now, kPolicy, *parse_policy(kPolicy)};
  entry.dane = DaneMemory{DaneState::kNone, until, {}};
  return entry;
}

}  // namespace mtasts::bench
