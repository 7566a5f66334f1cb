// Whether the resolver that the host's own programs ask validates DNSSEC.
#pragma once

#include <string>

namespace mtasts::setup {

// Looks at the resolver as Postfix does (libresolv), and believes it where mtasts itself would by default
// (docs/adr/0015-whose-ad-bit-counts.md).
bool has_validating_resolver(const std::string& resolv_conf);

}  // namespace mtasts::setup
