#include <curl/curl.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include <utility>
#include <vector>

#include "fetch/san_rule.h"
#include "fetch/verification_gnutls.h"

namespace mtasts {
namespace {

constexpr const char* kNotForServers = "is not for servers";
constexpr const char* kCostly = "is not looked at: the host chose finite-field Diffie-Hellman";

CertificateFault untrusted(std::string text) { return {ErrorCode::kCertificateNotTrusted, std::move(text)}; }

// The certificates that the peer showed, its own first; empty when one cannot be read.
std::vector<Certificate> peer_chain(gnutls_session_t session) {
  unsigned count = 0;
  const gnutls_datum_t* shown = gnutls_certificate_get_peers(session, &count);
  std::vector<Certificate> chain;
  for (unsigned i = 0; shown != nullptr && i < count; ++i) {
    chain.push_back(read_certificate({reinterpret_cast<const char*>(shown[i].data), shown[i].size}));
    if (!chain.back()) return {};
  }
  return chain;
}

// What libcurl does not ask of the chain.
std::optional<CertificateFault> chain_fault(gnutls_session_t session, const std::vector<Certificate>& chain) {
  void* credentials = nullptr;
  if (gnutls_credentials_get(session, GNUTLS_CRD_CERTIFICATE, &credentials) != GNUTLS_E_SUCCESS)
    return untrusted("cannot be verified");
  gnutls_x509_trust_list_t trusted = nullptr;
  gnutls_certificate_get_trust_list(static_cast<gnutls_certificate_credentials_t>(credentials), &trusted);
  if (trusted == nullptr) return untrusted("cannot be verified");
  const auto status = verification_status(trusted, chain);
  if (!status) return untrusted("cannot be verified");
  if (*status == 0) return {};
  const auto known = certificate_fault(static_cast<long>(*status));
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
  if (is_costly(session)) return untrusted(kCostly);
  const std::vector<Certificate> chain = peer_chain(session);
  if (chain.empty()) return untrusted("cannot be read");
  const Certificate& leaf = chain.front();
  if (!names_host(leaf, host))
    return CertificateFault{ErrorCode::kCertificateHostMismatch, "does not name this host in a DNS subjectAltName"};
  if (!is_for_servers(leaf)) return untrusted(kNotForServers);
  return chain_fault(session, chain);
}

// RFC 7633. GnuTLS looks for the answer itself where it verifies; what only looks has to.
bool misses_staple(gnutls_session_t session, const Certificate& leaf) {
  gnutls_x509_tlsfeatures_t features = nullptr;
  if (gnutls_x509_tlsfeatures_init(&features) != GNUTLS_E_SUCCESS) return false;
  constexpr unsigned kStatusRequest = 5;
  bool is_demanded = false;
  if (gnutls_x509_crt_get_tlsfeatures(leaf.get(), features, 0, nullptr) == GNUTLS_E_SUCCESS) {
    unsigned feature = 0;
    for (unsigned i = 0; gnutls_x509_tlsfeatures_get(features, i, &feature) == GNUTLS_E_SUCCESS; ++i)
      is_demanded = is_demanded || feature == kStatusRequest;
  }
  gnutls_x509_tlsfeatures_deinit(features);
  gnutls_datum_t answer{};
  return is_demanded && gnutls_ocsp_status_request_get(session, &answer) != GNUTLS_E_SUCCESS;
}

// What is wrong with a session beside its certificates.
std::optional<CertificateFault> session_fault(gnutls_session_t session) {
  if (is_costly(session)) return untrusted(kCostly);
  const std::vector<Certificate> chain = peer_chain(session);
  if (!chain.empty() && misses_staple(session, chain.front()))
    return untrusted("demands a stapled OCSP answer, which is missing");
  return {};
}

// A second handshake: nobody needs it for one request, and libcurl would wait for its end inside one call, with
// everything else on the same loop.
int refuse_handshake(gnutls_session_t /*session*/, unsigned /*type*/, unsigned /*when*/, unsigned /*incoming*/,
                     const gnutls_datum_t* /*message*/) noexcept {
  return GNUTLS_E_UNSAFE_RENEGOTIATION_DENIED;
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
  if (rule.only_looks()) {
    rule.look_at_session();
    return rule.may_go_on() ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
  }
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

void SanRule::look_at_session() {
  if (gnutls_session_t session = session_of(easy_); session != nullptr) refuse(session_fault(session));
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
