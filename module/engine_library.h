// Loads engine-openssl.so or engine-gnutls.so the first time that a lookup needs the network
// (docs/adr/0003-engine-libraries.md).
#pragma once

#include <memory>

#include "core/result.h"
#include "module/helper_settings.h"
#include "module/network.h"

namespace mtasts {

// `auto` takes the first that is installed, OpenSSL's before GnuTLS's. The library stays loaded. Error kLocalFault says
// what is missing.
Result<std::unique_ptr<Network>> open_network(const HelperSettings& settings);

}  // namespace mtasts
