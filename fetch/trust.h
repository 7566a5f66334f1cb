// What must be there on this machine before anything can be asked of anybody over TLS.
#pragma once

#include <string>

#include "core/result.h"

namespace mtasts {

// Error kLocalFault: libcurl cannot be initialised, its TLS library is not the one this was built for, or one of the
// files cannot be read by this user (`crl_file` may be empty). Without the trusted authorities every peer would seem at
// fault, and mail would go out unprotected (R16).
Result<void> check_trust(const std::string& ca_file, const std::string& crl_file);

}  // namespace mtasts
