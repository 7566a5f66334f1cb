#include "dns/ad_trust.h"

#include <algorithm>

namespace mtasts {
namespace {

AdRule ad_rule(ResolverConfig::TrustAd setting, const ResolverAddress& resolver, bool resolv_conf_trusts) {
  if (setting == ResolverConfig::TrustAd::kAlways) return {AdTrust::kYes, "dns.trust_ad is \"always\""};
  if (setting == ResolverConfig::TrustAd::kNever) return {AdTrust::kNo, "dns.trust_ad is \"never\""};
  if (resolv_conf_trusts) return {AdTrust::kYes, "/etc/resolv.conf says options trust-ad"};
  if (resolver.is_local_host()) return {AdTrust::kWhenSeenToValidate, "it is 127.0.0.1 or ::1"};
  return {AdTrust::kNo,
          "it is neither 127.0.0.1 nor ::1, and no options trust-ad of /etc/resolv.conf speaks for it; where it "
          "validates and nobody can change its answers on their way, set dns.trust_ad = \"always\""};
}

}  // namespace

std::vector<AdRule> ad_rules(ResolverConfig::TrustAd setting, const ResolvConf& resolvers) {
  std::vector<AdRule> rules;
  for (const auto& address : resolvers.servers) rules.push_back(ad_rule(setting, address, resolvers.trusts_ad));
  const auto no = std::ranges::find(rules, AdTrust::kNo, &AdRule::trust);
  if (rules.size() <= 1 || no == rules.end()) return rules;
  const auto& culprit = resolvers.servers[static_cast<std::size_t>(no - rules.begin())];
  return std::vector<AdRule>(rules.size(), {AdTrust::kNo, "of " + culprit.text() + " it does not: " + no->reason});
}

AdRule judge_ad(const AdQuestions& seen) {
  if (seen.chaos.authenticated)
    return {AdTrust::kNo, "it sets the AD bit where nothing can be signed (version.bind CH TXT)"};
  if (seen.root.has_signatures) {
    if (seen.root.authenticated) return {AdTrust::kYes, "it validates: its answer for the root is signed and has AD"};
    return {AdTrust::kNo, "it does not validate: its answer for the root is signed and has no AD"};
  }
  if (seen.own.has_signatures) {
    if (seen.own.authenticated) return {AdTrust::kYes, "it validates: it gives signatures with an answer that has AD"};
    return {AdTrust::kNo, "it does not validate: it gives signatures with an answer that has no AD"};
  }
  return {AdTrust::kWhenSeenToValidate,
          "it gives no signatures, neither of the root nor with an answer that has AD: it cannot be seen to validate"};
}

}  // namespace mtasts
