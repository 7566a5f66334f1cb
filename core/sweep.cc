#include "core/sweep.h"

#include <algorithm>
#include <cstdint>

#include "core/fnv1a.h"

namespace mtasts {
namespace {

using std::chrono::seconds;

// What was learnt of a domain without a policy is of no use this long after it may last be used.
constexpr seconds kNegativeKept{86'400};
// Longer than from one round to the next: what expires before this is refreshed now.
constexpr seconds kRoundsApart{7200};

// 0 to 255, the same for a domain every time.
unsigned jitter(const Domain& domain) {
  const std::uint32_t hash = fnv1a_32(domain.text());
  return (hash >> 24U) ^ (hash >> 8U & 0xffU);
}

bool sweep_due(const CacheEntry& entry, const StoredPolicy& policy, seconds refresh, WallTime now) {
  if (policy.fetched > now) return true;  // the clock was wrong then or is now
  const seconds span = std::min(refresh, policy.policy.max_age * 3 / 4);
  const WallTime due = policy.fetched + span * 3 / 4 + span / 4 * jitter(entry.domain) / 256;
  return now >= std::min(due, policy.expires() - kRoundsApart);
}

}  // namespace

SweepAction sweep_action(const CacheEntry& entry, WallTime used, const SweepRules& rules, WallTime now) {
  const bool unused = now - used >= rules.forget;
  const StoredPolicy* in_force = entry.policy_in_force(now);
  if (in_force != nullptr) {
    // With mode none the domain has left; its record brings it back.
    const bool wanted = !unused && entry.binding_policy(now) != nullptr;
    return wanted && sweep_due(entry, *in_force, rules.refresh, now) ? SweepAction::kRefresh : SweepAction::kKeep;
  }
  // An expired policy stays for a while: the clock may be wrong.
  if (entry.policy) return unused ? SweepAction::kForget : SweepAction::kKeep;
  const WallTime last = std::max(entry.record.until, entry.failure ? entry.failure->retry_at : WallTime{});
  return now - last >= kNegativeKept ? SweepAction::kForget : SweepAction::kKeep;
}

SweepAction sweep_action_of_damaged(WallTime used, const SweepRules& rules, WallTime now) {
  return now - used >= rules.forget ? SweepAction::kForget : SweepAction::kRefresh;
}

}  // namespace mtasts
