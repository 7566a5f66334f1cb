// A change of MX hosts. Senders that hold the policy from before it refuse the new hosts, so the old ones stay in DNS
// and in the policy until nobody can hold it any more.
#include <algorithm>

#include "adapters/cli/publish/steps.h"
#include "adapters/cli/publish/view.h"
#include "core/mx_match.h"
#include "core/timestamp.h"

namespace mtasts::publish {
namespace {

using Patterns = std::vector<std::string>;

bool has(const Patterns& patterns, const std::string& pattern) {
  return std::ranges::find(patterns, pattern) != patterns.end();
}

Patterns without(const Patterns& patterns, const Patterns& others) {
  Patterns rest;
  std::ranges::copy_if(patterns, std::back_inserter(rest), [&](const auto& pattern) { return !has(others, pattern); });
  return rest;
}

std::string joined(const Patterns& patterns) {
  std::string text;
  for (const auto& pattern : patterns) text += (text.empty() ? "" : ", ") + pattern;
  return text;
}

// An MX host in DNS that `pattern` allows and no other.
bool is_needed(const Situation& situation, const std::string& pattern, const Patterns& others) {
  auto hosts = live_mx((*situation.seen)->facts);
  for (const auto& [alias, seen] : situation.aliases) {
    if (!seen) return true;  // not known
    const auto more = live_mx(seen->facts);
    hosts.insert(hosts.end(), more.begin(), more.end());
  }
  return std::ranges::any_of(hosts,
                             [&](const auto& host) { return mx_matches(pattern, host) && !mx_allowed(others, host); });
}

void tell(const DomainState& next, const Patterns& added, WallTime now, DomainPlan& plan) {
  if (!next.keep_until || (next.retired.empty() && *next.keep_until <= now)) return;
  const std::string until = rfc3339(*next.keep_until);
  const bool is_over = *next.keep_until <= now;
  if (!is_over) plan.waits_until = std::min(plan.waits_until.value_or(*next.keep_until), *next.keep_until);
  if (next.retired.empty()) {
    plan.notes.push_back("no mail to new MX hosts" + (added.empty() ? "" : " (" + joined(added) + ")") + " before " +
                         until + ": senders may hold a policy without them");
    return;
  }
  plan.notes.push_back("keep until " + until + ": MX hosts " + joined(next.retired) +
                       " in DNS and running, senders may hold a policy without the new ones");
  plan.notes.push_back("then drop " + joined(next.retired) + " from DNS; from " + until +
                       " on, the first --apply that finds them gone there takes them out of the policy");
}

}  // namespace

std::vector<std::string> choose_patterns(const Situation& situation, DomainState& next, DomainPlan& plan) {
  const Patterns& wanted = situation.listed->mx;
  const auto served = parse_policy(next.body);
  if (!served || served->mx.empty()) return wanted;  // the first one, or the first after mode none
  const Patterns added = without(wanted, served->mx);
  const Patterns leaving = without(served->mx, wanted);
  const Patterns newly_retired = without(leaving, next.retired);
  if (!added.empty() || !newly_retired.empty()) next.keep_until = situation.now + next.longest;
  next.retired.clear();
  for (const auto& pattern : leaving) {
    const bool is_held = next.keep_until && situation.now < *next.keep_until;
    if (is_held || is_needed(situation, pattern, wanted)) next.retired.push_back(pattern);
  }
  if (next.retired.empty() && next.keep_until && *next.keep_until <= situation.now) next.keep_until.reset();
  tell(next, added, situation.now, plan);
  Patterns patterns = wanted;
  patterns.insert(patterns.end(), next.retired.begin(), next.retired.end());
  return patterns;
}

}  // namespace mtasts::publish
