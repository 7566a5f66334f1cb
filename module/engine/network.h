// What an engine library (engine-openssl.so, engine-gnutls.so) offers: loop, resolver, fetcher, prober and what an
// audit needs, of one thread, made for one configuration. The library is opened by module/helper/engine_library; both
// sides are built together and compare kNetworkAbi, so C++ types may cross.
#pragma once

#include <memory>

#include "core/inspection.h"
#include "core/ports.h"
#include "dns/resolver.h"
#include "fetch/fetcher.h"
#include "fetch/prober.h"
#include "module/config/network_config.h"

namespace mtasts {

class Network {
 public:
  virtual ~Network() = default;
  virtual EventLoop& loop() = 0;
  virtual Resolver& resolver() = 0;
  virtual Fetcher& fetcher() = 0;
  virtual MxProber& prober() = 0;
  virtual ServerQuestions& servers() = 0;
  virtual HostInspector& inspector() = 0;
};

inline constexpr const char* kNetworkAbi = "mtasts-network " MTASTS_VERSION;
inline constexpr const char* kNetworkOpenSymbol = "mtasts_network_open";

// The one symbol of an engine library. Returns nullptr and sets *error when it cannot be had, also when `abi` is not
// its own kNetworkAbi (then nothing else was touched).
using NetworkOpen = Network* (*)(const char* abi, const NetworkConfig& config, Error* error) noexcept;

}  // namespace mtasts
