#include <curl/curl.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include <algorithm>
#include <array>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/ascii.h"
#include "fetch/san_rule.h"

namespace mtasts {
namespace {

constexpr std::size_t kMaxSanOctets = 1024;  // a longer name cannot be a host's
constexpr const char* kNotForServers = "is not for servers";

CertificateFault untrusted(std::string text) { return {ErrorCode::kCertificateNotTrusted, std::move(text)}; }

struct CertificateFree {
  void operator()(gnutls_x509_crt_t certificate) const { gnutls_x509_crt_deinit(certificate); }
};
using Certificate = std::unique_ptr<std::remove_pointer_t<gnutls_x509_crt_t>, CertificateFree>;

// The certificates that the peer showed, its own first; empty when one cannot be read.
std::vector<Certificate> peer_chain(gnutls_session_t session) {
  unsigned count = 0;
  const gnutls_datum_t* shown = gnutls_certificate_get_peers(session, &count);
  std::vector<Certificate> chain;
  for (unsigned i = 0; shown != nullptr && i < count; ++i) {
    gnutls_x509_crt_t raw = nullptr;
    if (gnutls_x509_crt_init(&raw) != GNUTLS_E_SUCCESS) return {};
    chain.emplace_back(raw);
    if (gnutls_x509_crt_import(raw, &shown[i], GNUTLS_X509_FMT_DER) != GNUTLS_E_SUCCESS) return {};
  }
  return chain;
}

// Exactly, or with "*" as the whole left-most label: GnuTLS itself would let "*sts" pass for "mta-sts".
bool names_host(gnutls_x509_crt_t certificate, const std::string& host) {
  const std::string wildcard = '*' + host.substr(std::min(host.find('.'), host.size()));
  std::array<char, kMaxSanOctets> buffer{};
  for (unsigned i = 0;; ++i) {
    std::size_t size = buffer.size();
    const int kind = gnutls_x509_crt_get_subject_alt_name(certificate, i, buffer.data(), &size, nullptr);
    if (kind < 0 && kind != GNUTLS_E_SHORT_MEMORY_BUFFER) return false;  // no more of them, or not readable
    if (kind != GNUTLS_SAN_DNSNAME) continue;
    const std::string_view name(buffer.data(), size);
    if (ascii::equal_ignoring_case(name, host) || ascii::equal_ignoring_case(name, wildcard)) return true;
  }
}

// What libcurl does not ask of the chain: that it is for servers and that no key in it is weaker than the 112 bits
// which Debian's OpenSSL demands.
std::optional<CertificateFault> chain_fault(gnutls_session_t session, const std::vector<Certificate>& chain) {
  void* credentials = nullptr;
  if (gnutls_credentials_get(session, GNUTLS_CRD_CERTIFICATE, &credentials) != GNUTLS_E_SUCCESS)
    return untrusted("cannot be verified");
  gnutls_x509_trust_list_t trusted = nullptr;
  gnutls_certificate_get_trust_list(static_cast<gnutls_certificate_credentials_t>(credentials), &trusted);
  if (trusted == nullptr) return untrusted("cannot be verified");
  std::vector<gnutls_x509_crt_t> list;
  list.reserve(chain.size());
  for (const auto& certificate : chain) list.push_back(certificate.get());
  std::string purpose = GNUTLS_KP_TLS_WWW_SERVER;
  gnutls_typed_vdata_st demand{GNUTLS_DT_KEY_PURPOSE_OID, reinterpret_cast<unsigned char*>(purpose.data()), 0};
  unsigned status = 0;
  if (gnutls_x509_trust_list_verify_crt2(trusted, list.data(), static_cast<unsigned>(list.size()), &demand, 1,
                                         GNUTLS_PROFILE_TO_VFLAGS(GNUTLS_PROFILE_MEDIUM), &status,
                                         nullptr) != GNUTLS_E_SUCCESS)
    return untrusted("cannot be verified");
  if (status == 0) return {};
  const auto known = certificate_fault(static_cast<long>(status));
  return known ? known : untrusted("is refused");
}

// Finite-field Diffie-Hellman, whose size the peer chooses. The helper keeps it from being negotiated at all
// (module/helper/engine_library); where that did not work, the session is not used.
bool is_costly(gnutls_session_t session) {
  const gnutls_kx_algorithm_t exchange = gnutls_kx_get(session);
  const char* group = gnutls_group_get_name(gnutls_group_get(session));
  return exchange == GNUTLS_KX_DHE_RSA || exchange == GNUTLS_KX_DHE_DSS || exchange == GNUTLS_KX_ANON_DH ||
         (group != nullptr && std::string_view(group).starts_with("FFDHE"));
}

// Why the certificate of this session is not one for the host; nothing when it is.
std::optional<CertificateFault> fault(gnutls_session_t session, const std::string& host) {
  if (is_costly(session)) return untrusted("is not looked at: the host chose finite-field Diffie-Hellman");
  const std::vector<Certificate> chain = peer_chain(session);
  if (chain.empty()) return untrusted("cannot be read");
  gnutls_x509_crt_t leaf = chain.front().get();
  if (!names_host(leaf, host))
    return CertificateFault{ErrorCode::kCertificateHostMismatch, "does not name this host in a DNS subjectAltName"};
  if (gnutls_x509_crt_check_key_purpose(leaf, GNUTLS_KP_TLS_WWW_SERVER, GNUTLS_KP_FLAG_DISALLOW_ANY) == 0)
    return untrusted(kNotForServers);
  return chain_fault(session, chain);
}

// A second handshake: nobody needs it for one request, and libcurl would wait for its end inside one call, with
// everything else on the same loop.
int refuse_handshake(gnutls_session_t /*session*/, unsigned /*type*/, unsigned /*when*/, unsigned /*incoming*/,
                     const gnutls_datum_t* /*message*/) noexcept {
  return GNUTLS_E_UNSAFE_RENEGOTIATION_DENIED;
}

gnutls_session_t session_of(void* easy) {
  curl_tlssessioninfo* tls = nullptr;
  if (curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &tls) != CURLE_OK || tls == nullptr ||
      tls->backend != CURLSSLBACKEND_GNUTLS)
    return nullptr;
  return static_cast<gnutls_session_t>(tls->internals);
}

// GnuTLS has no such rule of its own and libcurl no hook during the handshake: the certificate is looked at after the
// handshake and before the request is sent.
int demand_dns_san(void* userdata, char* /*peer*/, char* /*local*/, int /*peer_port*/, int /*local_port*/) noexcept {
  auto& rule = *static_cast<SanRule*>(userdata);
  gnutls_session_t session = session_of(rule.easy());
  if (session == nullptr) return CURL_PREREQFUNC_ABORT;
  rule.forbid_renegotiation();
  rule.set_applied();
  rule.set_ended_by_peer();  // GnuTLS fails the transfer where close_notify is missing
  rule.refuse(fault(session, rule.host()));
  return !rule.refusal() ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

}  // namespace

Result<void> SanRule::apply(void* easy) {
  easy_ = easy;
  if (curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, &demand_dns_san) != CURLE_OK ||
      curl_easy_setopt(easy, CURLOPT_PREREQDATA, this) != CURLE_OK)
    return fail(ErrorCode::kInternal, "this libcurl does not show the certificate of a GnuTLS session");
  return {};
}

void SanRule::forbid_renegotiation() const {
  if (gnutls_session_t session = session_of(easy_); session != nullptr)
    gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_CLIENT_HELLO, GNUTLS_HOOK_PRE, &refuse_handshake);
}

const char* tls_library() { return "gnutls"; }

bool is_backend_of_curl(std::string_view ssl_version) { return ssl_version.starts_with("GnuTLS/"); }

std::optional<CertificateFault> certificate_fault(long verify_result) {
  const std::pair<unsigned, CertificateFault> faults[] = {
      {GNUTLS_CERT_EXPIRED, {ErrorCode::kCertificateExpired, "is expired"}},
      {GNUTLS_CERT_NOT_ACTIVATED, untrusted("is not yet valid")},
      {GNUTLS_CERT_REVOKED, untrusted("is revoked")},
      {GNUTLS_CERT_INSECURE_ALGORITHM, untrusted("is too weak, or one above it is")},
      {GNUTLS_CERT_SIGNATURE_FAILURE, untrusted("has a signature that is not its issuer's, or one above it has")},
      {GNUTLS_CERT_PURPOSE_MISMATCH, untrusted(kNotForServers)},
      {GNUTLS_CERT_SIGNER_NOT_FOUND, untrusted("is not issued by a trusted authority")},
      {GNUTLS_CERT_MISSING_OCSP_STATUS, untrusted("demands a stapled OCSP answer, which is missing")},
  };
  for (const auto& [bit, what] : faults)
    if ((static_cast<unsigned long>(verify_result) & bit) != 0) return what;
  return {};
}

}  // namespace mtasts
