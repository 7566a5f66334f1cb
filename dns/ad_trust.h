// Whose AD bit counts as the word of DNSSEC (`[dns] trust_ad`). Pure functions: dns/ad_check asks, this decides.
#pragma once

#include <string>
#include <vector>

#include "dns/reply.h"
#include "dns/resolver.h"
#include "dns/resolver_address.h"

namespace mtasts {

enum class AdTrust {
  kNo,
  kYes,
  kWhenSeenToValidate,  // after the resolver has been asked, see judge_ad()
};

struct AdRule {
  AdTrust trust = AdTrust::kNo;
  std::string reason;  // half a sentence: why so
};

// One for each resolver. With several an attacker may choose which one answers: where one of them deserves no trust by
// its address, none has it.
std::vector<AdRule> ad_rules(ResolverConfig::TrustAd setting, const ResolvConf& resolvers);

// What a resolver shows in three replies; no reply shows nothing.
struct AdQuestions {
  AdSight chaos;  // version.bind CH TXT: DNSSEC does not exist there
  AdSight root;   // . SOA, with signatures
  AdSight own;    // the question whose answer had AD, with signatures
};

// kWhenSeenToValidate: nothing was seen, either way. A forwarder that hands on the AD bit of a resolver that validates
// looks like that resolver: it cannot be told apart by asking.
AdRule judge_ad(const AdQuestions& seen);

}  // namespace mtasts
