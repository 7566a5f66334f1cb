// Whether the resolvers that the host's own programs ask, or those of mtasts.toml, answer and validate DNSSEC.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "module/config/config.h"

namespace mtasts::setup {

enum class ResolverState {
  kSilent,  // none of them answered in time, or all with a failure
  kAnswers,
  kValidates
};

// Asks the resolvers of this machine as Postfix does (libresolv), and believes that they validate where mtasts itself
// would by default (docs/adr/0015-whose-ad-bit-counts.md). Takes up to ten seconds for each that is silent.
ResolverState look_at_resolver(const std::string& resolv_conf);

// Asks each of these over TCP, as mtasts does. They validate where each that answers does, and `ad_may_count`. Takes up
// to twice `timeout` for each.
ResolverState look_at_resolvers(const std::vector<ResolverAddress>& resolvers, std::chrono::seconds timeout,
                                bool ad_may_count);

}  // namespace mtasts::setup
