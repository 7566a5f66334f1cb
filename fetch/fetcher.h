// The Fetcher over libcurl: one policy file over HTTPS (RFC 8461 §3.3, R11-R14). Built twice, once for each TLS
// library; the SAN rule (R12) is in san_rule_<tls>.cc.
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

struct FetcherConfig {
  std::chrono::seconds timeout{60};          // of the whole fetch (R14)
  std::chrono::seconds connect_timeout{10};  // until there is a TLS session, all addresses together
  std::string ca_file = kCaFile;
  std::string crl_file;          // PEM; what is on these lists is refused, of other authorities nothing is demanded
  std::string proxy;             // none unless named (R13); it then looks the policy host up itself
  std::uint16_t port = 443;      // R11; another one only in tests
  unsigned max_in_flight = 100;  // further fetches wait their turn, for as long as `timeout`
  // Of these at one address (IPv6: one /64). One network or zone gets no more than are free (core/admission_queue).
  unsigned max_per_address = 10;
  std::vector<std::string> allow_private;  // networks whose special addresses may be connected to (core/address_rule)
};

// One thread; does not survive fork(): what is asked in a child is answered with kInternal. The loop must outlive the
// fetcher. Destroying it drops the fetches under way without calling back; not allowed from inside a callback. Error
// kLocalFault: no memory for libcurl, the CA or CRL file cannot be read by this user, or curl's TLS library is not the
// one this was built for (then nothing is fetched: fail closed); kConfig: an https:// proxy, whose certificate the SAN
// rule would judge by the policy host's name, or an `allow_private` that is no network.
Result<std::unique_ptr<Fetcher>> make_fetcher(EventLoop& loop, const FetcherConfig& config, ZoneOf zone_of = own_zone);

// "openssl" or "gnutls": what this build speaks.
const char* fetcher_tls_library();

}  // namespace mtasts
