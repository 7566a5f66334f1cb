// What an audit makes of the certificates that a host showed, from their DER forms. A session is refused by SanRule;
// this says of each fault by itself whether it is there. One .cc for each TLS library, with the same verdicts as its
// SanRule.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/inspection.h"
#include "core/result.h"

namespace mtasts {

// As the host sent them, its own first; at most kMaxChain, the others are left out.
using Chain = std::vector<std::string>;
inline constexpr std::size_t kMaxChain = 16;

// What a TLS session of libcurl shows of its peer.
struct ShownTls {
  Chain chain;
  std::string version;  // "TLSv1.3"
};
// `easy`: a CURL* in whose callbacks the session is known. nullopt: there is none.
std::optional<ShownTls> shown_tls(void* easy);

class Authorities {
 public:
  virtual ~Authorities() = default;
  // Is this a certificate for the host? Of an empty or unreadable chain: untrusted.
  [[nodiscard]] virtual CertificateFact judge(const Chain& chain, const std::string& host) const = 0;
};
// Error kLocalFault: a file cannot be used. `crl_file` may be empty.
Result<std::unique_ptr<Authorities>> load_authorities(const std::string& ca_file, const std::string& crl_file);

// The parts of one certificate, or empty where it cannot be read.
std::string public_key_info(const std::string& certificate);
// RFC 6698 §2.1.3: 1 is SHA-256, 2 SHA-512.
std::string tlsa_digest(unsigned matching, const std::string& data);
// Do the signatures lead from the first certificate to the one at `anchor`, all in date, and does the first name the
// host (RFC 7672 §3.1.2)?
bool is_anchored(const Chain& chain, std::size_t anchor, const std::string& host);

// Does one of the records that count in SMTP (core/dane.h) match what was shown? nullopt: none counts.
std::optional<bool> matches_tlsa(const std::vector<TlsaRecord>& records, const Chain& chain, const std::string& host);

}  // namespace mtasts
