// What SanRule and the audit's verdicts have in common where GnuTLS is the TLS library.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct gnutls_session_int;
struct gnutls_x509_crt_int;
struct gnutls_x509_trust_list_st;

namespace mtasts {

struct CertificateFree {
  void operator()(gnutls_x509_crt_int* certificate) const;
};
using Certificate = std::unique_ptr<gnutls_x509_crt_int, CertificateFree>;

// Null when it cannot be read.
Certificate read_certificate(std::string_view der);

// Exactly, or with "*" as the whole left-most label: GnuTLS itself would let "*sts" pass for "mta-sts".
bool names_host(const Certificate& certificate, const std::string& host);

// Is the first for servers, and no other purpose?
bool is_for_servers(const Certificate& certificate);

// GNUTLS_CERT_* bits of a chain without regard to names: that it is for servers and that no key in it is weaker than
// the 112 bits which Debian's OpenSSL demands. nullopt: it cannot be verified.
std::optional<unsigned> verification_status(gnutls_x509_trust_list_st* trusted, const std::vector<Certificate>& chain,
                                            unsigned flags = 0);

// The session of a libcurl handle, or null.
gnutls_session_int* session_of(void* easy);

}  // namespace mtasts
