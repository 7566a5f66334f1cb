// Whether the resolver that the host's own programs ask answers, and validates DNSSEC.
#pragma once

#include <string>

namespace mtasts::setup {

enum class ResolverState {
  kSilent,  // none of them answered in time, or all with a failure
  kAnswers,
  kValidates
};

// Asks the resolvers of this machine as Postfix does (libresolv), and believes that they validate where mtasts itself
// would by default (docs/adr/0015-whose-ad-bit-counts.md). Takes up to ten seconds for each that is silent.
ResolverState look_at_resolver(const std::string& resolv_conf);

}  // namespace mtasts::setup
