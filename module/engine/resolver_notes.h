// What is said of the resolvers: which are asked, and whether their AD bit counts as the word of DNSSEC
// (docs/adr/0015-whose-ad-bit-counts.md). Nobody is asked here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "module/config/config.h"

namespace mtasts {

// For `mtasts config`: one sentence for each resolver, in the order in which they are asked, or why this user cannot
// know them.
std::vector<std::string> resolver_notes(const Config& config);

// Why this user cannot know the resolvers, or empty.
std::string resolver_fault(const Config& config);

// Can the AD bit of the resolvers of this resolv.conf count by the default of dns.trust_ad? Then each has one of the
// addresses 127.0.0.1 and ::1, where it has to be seen to validate, or the administrator vouches for all of them with
// `options trust-ad`.
bool ad_may_count(std::string_view resolv_conf);
// The same of the resolvers and the dns.trust_ad of this configuration.
bool ad_may_count(const Config& config);

}  // namespace mtasts
