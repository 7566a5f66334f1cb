// The MxProber over libcurl: connects to an MX host as a sending MTA would, as far as TLS, and hangs up (R25). Built
// twice, once for each TLS library; what a certificate must be is the same as for policy hosts (ADR 0006).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/ports.h"
#include "core/result.h"
#include "fetch/ca_file.h"

namespace mtasts {

struct ProberConfig {
  std::chrono::seconds connect_timeout{10};  // until there is a connection, all addresses together
  std::chrono::seconds timeout{20};          // of the whole probe, and of waiting for a turn
  std::string ca_file = kCaFile;
  std::string crl_file;           // as for the fetcher
  std::uint16_t port = 25;        // another one only in tests
  unsigned max_in_flight = 50;    // further probes wait their turn
  unsigned max_per_address = 10;  // of these: anybody's zone may name anybody's address, under any number of names
  std::vector<std::string> allow_private;  // as for the fetcher
};

// One thread; does not survive fork(): what is asked in a child is answered with kInternal. The loop must outlive the
// prober. Destroying it drops the probes under way without calling back; not allowed from inside a callback. Errors as
// of make_fetcher.
Result<std::unique_ptr<MxProber>> make_prober(EventLoop& loop, const ProberConfig& config, ZoneOf zone_of = own_zone);

}  // namespace mtasts
