#include <curl/curl.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include <array>
#include <memory>
#include <type_traits>

#include "fetch/san_rule.h"

namespace mtasts {
namespace {

constexpr std::size_t kMaxSanOctets = 1024;  // a longer name cannot be a host's

struct CertificateFree {
  void operator()(gnutls_x509_crt_t certificate) const { gnutls_x509_crt_deinit(certificate); }
};
using Certificate = std::unique_ptr<std::remove_pointer_t<gnutls_x509_crt_t>, CertificateFree>;

// The certificate that the peer showed for itself, or nullptr.
Certificate peer_certificate(gnutls_session_t session) {
  unsigned count = 0;
  const gnutls_datum_t* chain = gnutls_certificate_get_peers(session, &count);
  gnutls_x509_crt_t raw = nullptr;
  if (chain == nullptr || count == 0 || gnutls_x509_crt_init(&raw) != GNUTLS_E_SUCCESS) return nullptr;
  Certificate certificate(raw);
  if (gnutls_x509_crt_import(raw, chain, GNUTLS_X509_FMT_DER) != GNUTLS_E_SUCCESS) return nullptr;
  return certificate;
}

bool has_dns_san(gnutls_x509_crt_t certificate) {
  std::array<char, kMaxSanOctets> name{};
  for (unsigned i = 0;; ++i) {
    std::size_t size = name.size();
    const int kind = gnutls_x509_crt_get_subject_alt_name(certificate, i, name.data(), &size, nullptr);
    if (kind == GNUTLS_SAN_DNSNAME) return true;
    if (kind < 0 && kind != GNUTLS_E_SHORT_MEMORY_BUFFER) return false;  // no more of them, or not readable
  }
}

// Why the certificate of this session is not one for the host; empty when it is.
std::string fault(gnutls_session_t session, const std::string& host) {
  const Certificate certificate = peer_certificate(session);
  if (!certificate) return "cannot be read";
  if (!has_dns_san(certificate.get()) || gnutls_x509_crt_check_hostname(certificate.get(), host.c_str()) == 0)
    return "does not name this host in a DNS subjectAltName";
  return {};
}

// GnuTLS has no such rule of its own and libcurl no hook during the handshake: the certificate is looked at after the
// handshake and before the request is sent.
int demand_dns_san(void* userdata, char* /*peer*/, char* /*local*/, int /*peer_port*/, int /*local_port*/) noexcept {
  auto& rule = *static_cast<SanRule*>(userdata);
  curl_tlssessioninfo* tls = nullptr;
  if (curl_easy_getinfo(rule.easy(), CURLINFO_TLS_SSL_PTR, &tls) != CURLE_OK || tls == nullptr ||
      tls->backend != CURLSSLBACKEND_GNUTLS || tls->internals == nullptr)
    return CURL_PREREQFUNC_ABORT;
  rule.set_applied();
  rule.set_ended_by_peer();  // GnuTLS fails the transfer where close_notify is missing
  rule.refuse(fault(static_cast<gnutls_session_t>(tls->internals), rule.host()));
  return rule.refusal().empty() ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

}  // namespace

Result<void> SanRule::apply(void* easy) {
  easy_ = easy;
  if (curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, &demand_dns_san) != CURLE_OK ||
      curl_easy_setopt(easy, CURLOPT_PREREQDATA, this) != CURLE_OK)
    return fail(ErrorCode::kEngine, "this libcurl does not show the certificate of a GnuTLS session");
  return {};
}

const char* tls_library() { return "gnutls"; }

bool is_backend_of_curl(std::string_view ssl_version) { return ssl_version.starts_with("GnuTLS/"); }

std::string certificate_fault(long verify_result) {
  const auto status = static_cast<unsigned long>(verify_result);
  if ((status & GNUTLS_CERT_EXPIRED) != 0) return "is expired";
  if ((status & GNUTLS_CERT_NOT_ACTIVATED) != 0) return "is not yet valid";
  if ((status & GNUTLS_CERT_REVOKED) != 0) return "is revoked";
  if ((status & GNUTLS_CERT_SIGNER_NOT_FOUND) != 0) return "is not issued by a trusted authority";
  if ((status & GNUTLS_CERT_MISSING_OCSP_STATUS) != 0) return "demands a stapled OCSP answer, which is missing";
  return {};
}

}  // namespace mtasts
