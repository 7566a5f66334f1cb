// A change of MX hosts. Senders that hold the policy from before it refuse the new hosts, so the old ones stay in DNS
// and in the policy until nobody can hold it any more.
#include <algorithm>

#include "adapters/cli/publish/steps.h"
#include "adapters/cli/publish/view.h"
#include "core/joined.h"
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

Patterns patterns_of(std::string_view file) {
  const auto policy = parse_policy(file);
  return policy ? policy->mx : Patterns{};
}

bool are_same(Patterns some, Patterns others) {
  std::ranges::sort(some);
  std::ranges::sort(others);
  return some == others;
}

// Where a sender may fetch a policy that allows other hosts than `published`, or could until this run: one that was cut
// off saved the state and did not write the file, or the web server has not got the file yet. Empty: nowhere.
std::string others_served(const Situation& situation, const Patterns& published) {
  if (!situation.file) return "the file is missing";
  if (!are_same(patterns_of(*situation.file), published)) return "the file is of another run";
  return other_policy_served(situation,
                             [&](const std::string&, const Policy& policy) { return !are_same(policy.mx, published); });
}

// Senders may hold a policy from before the change until the longest max_age after it was served for the last time.
void choose_time(const Situation& situation, const Patterns& published, bool is_changed, DomainState& next,
                 DomainPlan& plan) {
  if (!is_changed && !next.keep_until) return;
  const std::string where = is_changed ? "" : others_served(situation, published);
  if (!where.empty()) plan.notes.push_back("the time that old MX hosts are kept starts anew: " + where);
  const bool is_other_served = is_changed || !where.empty();
  // Nobody knows when since the last run the web server got the new file: the time counts from this one.
  if (is_other_served || next.is_other_served) next.keep_until = situation.now + next.longest;
  next.is_other_served = is_other_served;
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
  choose_time(situation, served->mx, !added.empty() || !newly_retired.empty(), next, plan);
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
