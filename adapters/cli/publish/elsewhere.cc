// Which policies senders may still fetch, at whatever address of the policy host of the domain or an alias.
#include "adapters/cli/check/reading.h"
#include "adapters/cli/publish/steps.h"

namespace mtasts::publish {
namespace {

std::string at_address(const check::PolicyAddressFact& seen, const OtherPolicy& is_other) {
  if (!seen.not_tried.empty()) return {};
  // Nobody knows what senders get there.
  if (!seen.is_connected) return seen.address + " cannot be connected to: " + seen.error;
  if (!check::serves_policy(seen) || !is_other(seen.http.body, *parse_policy(seen.http.body))) return {};
  return seen.address + " serves another policy";
}

std::string at_host(const check::Report& report, const OtherPolicy& is_other) {
  for (const auto& seen : report.facts.host)
    if (auto why = at_address(seen, is_other); !why.empty()) return why;
  return {};
}

}  // namespace

std::string other_policy_served(const Situation& situation, const OtherPolicy& is_other) {
  std::string why = at_host(**situation.seen, is_other);
  for (const auto& [alias, report] : situation.aliases)  // all are there: nothing is decided without one
    if (why.empty() && report) why = at_host(*report, is_other);
  return why;
}

}  // namespace mtasts::publish
