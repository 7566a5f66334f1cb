// Whether the resolver that the host's own programs ask validates DNSSEC.
#pragma once

#include <string>

namespace mtasts::setup {

// Looks at the resolver as Postfix does (libresolv), and believes it only at a loopback address.
bool has_validating_resolver(const std::string& resolv_conf);

// Every "nameserver" line names a loopback address, and there is one.
bool only_loopback_resolvers(const std::string& resolv_conf);

}  // namespace mtasts::setup
