#include "module/engine/resolver_notes.h"

#include <algorithm>

#include "dns/ad_trust.h"
#include "dns/resolver_address.h"

namespace mtasts {
namespace {

bool may_count(const std::vector<AdRule>& rules) {
  return std::ranges::none_of(rules, [](const AdRule& rule) { return rule.trust == AdTrust::kNo; });
}

}  // namespace

std::vector<std::string> resolver_notes(const Config& config) {
  const ResolverConfig& dns = config.network.dns;
  const auto resolvers = resolvers_of(dns.resolvers);
  if (!resolvers) return {resolvers.error().detail};
  std::vector<std::string> notes;
  const auto rules = ad_rules(dns.trust_ad, *resolvers);
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const std::string name = "resolver " + resolvers->servers[i].text() + ": its AD bit ";
    if (rules[i].trust == AdTrust::kWhenSeenToValidate)
      notes.push_back(name + "counts when it has been seen to validate, because " + rules[i].reason +
                      "; the log line event=resolver-ad says what was seen");
    else
      notes.push_back(name + (rules[i].trust == AdTrust::kYes ? "counts: " : "does not count: ") + rules[i].reason);
  }
  return notes;
}

std::string resolver_fault(const Config& config) {
  const auto resolvers = resolvers_of(config.network.dns.resolvers);
  return resolvers ? "" : resolvers.error().detail;
}

bool ad_may_count(std::string_view resolv_conf) {
  return may_count(ad_rules(ResolverConfig::TrustAd::kLoopback, parse_resolv_conf(resolv_conf)));
}

bool ad_may_count(const Config& config) {
  const ResolverConfig& dns = config.network.dns;
  const auto resolvers = resolvers_of(dns.resolvers);
  return resolvers && may_count(ad_rules(dns.trust_ad, *resolvers));
}

}  // namespace mtasts
