// Loads engine-openssl.so or engine-gnutls.so the first time that a lookup needs the network
// (docs/adr/0003-engine-libraries.md).
#pragma once

#include <memory>

#include "core/result.h"
#include "module/config.h"
#include "module/network.h"

namespace mtasts {

// `auto` takes the TLS library that the process has loaded already, else the one that is installed. The library stays
// loaded. `loop` as in module/network.h. Error kLocalFault says what is missing; kInternal: it is one of another
// version.
Result<std::unique_ptr<Network>> open_network(const Config& config, EventLoop* loop = nullptr);

}  // namespace mtasts
