#include <curl/curl.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "fetch/san_rule.h"
#include "fetch/verification_openssl.h"

namespace mtasts {
namespace {

constexpr unsigned kMaxHandshakeMessages = 100;  // of the peer; a handshake takes about ten

// Where an SSL_CTX keeps the number of its SanRule.
int rule_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

SanRule* rule_of(const SSL* ssl) { return SanRule::find(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), rule_index())); }

void watch_alerts(const SSL* ssl, int where, int alert) noexcept {
  SanRule* rule = rule_of(ssl);
  if (rule != nullptr && where == SSL_CB_READ_ALERT && (alert & 0xff) == SSL_AD_CLOSE_NOTIFY) rule->set_ended_by_peer();
}

// OpenSSL works off whatever handshake messages are there before it comes back to libcurl, also those that mean nothing
// or come after the handshake; a peer that sends them without end would hold up the loop for ever. GnuTLS has such a
// bound of its own. Nor does anybody want what comes when the transfer is over.
void watch_messages(int is_ours, int /*version*/, int type, const void* /*data*/, size_t /*size*/, SSL* ssl,
                    void* /*unused*/) noexcept {
  if (is_ours == 1 || type != SSL3_RT_HANDSHAKE) return;
  SanRule* rule = rule_of(ssl);
  if (rule == nullptr || rule->count_handshake_message() == kMaxHandshakeMessages)
    SSL_set0_rbio(ssl, BIO_new(BIO_s_null()));  // the connection ends here
}

bool has(X509_STORE_CTX* chain, bool (*fault)(const X509*)) {
  const STACK_OF(X509)* certificates = X509_STORE_CTX_get0_chain(chain);
  for (int i = 0; i < sk_X509_num(certificates); ++i)
    if (fault(sk_X509_value(certificates, i))) return true;
  return false;
}

// Of several faults the one that GnuTLS names; OpenSSL stops at the first of its own order.
int most_specific_fault(X509_STORE_CTX* chain, int error, const std::string& host) {
  if (has(chain, &is_expired)) return X509_V_ERR_CERT_HAS_EXPIRED;
  if (has(chain, &is_not_yet_valid)) return X509_V_ERR_CERT_NOT_YET_VALID;
  const bool is_name =
      X509_check_host(X509_STORE_CTX_get0_cert(chain), host.c_str(), host.size(), kHostFlags, nullptr) == 1;
  return error == X509_V_ERR_INVALID_PURPOSE && !is_name ? X509_V_ERR_HOSTNAME_MISMATCH : error;
}

// Notes what is wrong with a certificate: libcurl says so only of some faults, of others that the connection failed.
int watch_verification(int is_good, X509_STORE_CTX* chain) noexcept {
  if (is_good == 1) return 1;
  const int error = X509_STORE_CTX_get_error(chain);
  if (is_ignorable_crl_error(error)) {
    X509_STORE_CTX_set_error(chain, X509_V_OK);
    return 1;
  }
  const auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
  if (SanRule* rule = ssl != nullptr ? rule_of(ssl) : nullptr; rule != nullptr)
    rule->refuse(certificate_fault(most_specific_fault(chain, error, rule->host())));
  return 0;
}

bool demands_staple(X509* certificate) {
  auto* features = static_cast<TLS_FEATURE*>(X509_get_ext_d2i(certificate, NID_tlsfeature, nullptr, nullptr));
  bool found = false;
  for (int i = 0; i < sk_ASN1_INTEGER_num(features); ++i)
    found = found || ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features, i)) == TLSEXT_TYPE_status_request;
  TLS_FEATURE_free(features);
  return found;
}

// RFC 7633: a certificate may demand that an OCSP answer comes with it; OpenSSL leaves that to its user. What the
// answer says is not looked at (ADR 0006).
int demand_staple(SSL* ssl, void* /*unused*/) noexcept {
  const unsigned char* answer = nullptr;
  X509* certificate = SSL_get0_peer_certificate(ssl);
  if (SSL_get_tlsext_status_ocsp_resp(ssl, &answer) > 0 || certificate == nullptr || !demands_staple(certificate))
    return 1;
  if (SanRule* rule = rule_of(ssl); rule != nullptr)
    rule->refuse(
        CertificateFault{ErrorCode::kCertificateNotTrusted, "demands a stapled OCSP answer, which is missing"});
  return 0;
}

// No finite-field Diffie-Hellman: the peer chooses its size, and a group of 10 000 bits costs more than half a second.
// Everything else stays as this system has it.
bool allow_cheap_key_exchange_only(SSL_CTX* context) {
  std::string names;
  const STACK_OF(SSL_CIPHER)* ciphers = SSL_CTX_get_ciphers(context);
  for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); ++i) {
    const SSL_CIPHER* cipher = sk_SSL_CIPHER_value(ciphers, i);
    if (SSL_CIPHER_get_kx_nid(cipher) == NID_kx_dhe) continue;
    names += (names.empty() ? "" : ":") + std::string(SSL_CIPHER_get_name(cipher));
  }
  return SSL_CTX_set_cipher_list(context, names.c_str()) == 1 &&
         SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384:P-521") == 1;
}

// Makes the name a part of the chain's verification, so that the handshake itself fails.
CURLcode demand_dns_san(CURL* /*easy*/, void* ssl_ctx, void* userdata) noexcept {
  auto& rule = *static_cast<SanRule*>(userdata);
  auto* context = static_cast<SSL_CTX*>(ssl_ctx);
  if (SSL_CTX_set_ex_data(context, rule_index(), rule.callback_data()) != 1) return CURLE_SSL_CONNECT_ERROR;
  if (!allow_cheap_key_exchange_only(context)) return CURLE_SSL_CONNECT_ERROR;
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);  // nobody needs it for one request
  SSL_CTX_set_info_callback(context, &watch_alerts);
  SSL_CTX_set_msg_callback(context, &watch_messages);
  if (!rule.only_looks()) {
    X509_VERIFY_PARAM* param = SSL_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_hostflags(param, kHostFlags);
    if (X509_VERIFY_PARAM_set1_host(param, rule.host().c_str(), rule.host().size()) != 1)
      return CURLE_SSL_CONNECT_ERROR;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, &watch_verification);
  }
  SSL_CTX_set_tlsext_status_type(context, TLSEXT_STATUSTYPE_ocsp);
  SSL_CTX_set_tlsext_status_cb(context, &demand_staple);
  rule.set_applied();
  return CURLE_OK;
}

int look(void* userdata, char* /*peer*/, char* /*local*/, int /*peer_port*/, int /*local_port*/) noexcept {
  return static_cast<SanRule*>(userdata)->may_go_on() ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

std::string fault_text(long verify_result) {
  switch (verify_result) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "is expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "is not yet valid";
    case X509_V_ERR_CERT_REVOKED:
      return "is revoked";
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK:
      return "is too weak, or one above it is";
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return "has a signature that is not its issuer's, or one above it has";
    case X509_V_ERR_INVALID_PURPOSE:
      return "is not for servers";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return "is self-signed";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return "is not issued by a trusted authority";
    case X509_V_ERR_HOSTNAME_MISMATCH:
      return "does not name this host in a DNS subjectAltName";
    default:
      return std::string("is refused: ") + X509_verify_cert_error_string(verify_result);
  }
}

}  // namespace

Result<void> SanRule::apply(void* easy) {
  easy_ = easy;
  if (curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, &demand_dns_san) != CURLE_OK ||
      curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, this) != CURLE_OK)
    return fail(ErrorCode::kInternal, "this libcurl gives no hold on OpenSSL's verification of certificates");
  if (only_looks() && (curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, &look) != CURLE_OK ||
                       curl_easy_setopt(easy, CURLOPT_PREREQDATA, this) != CURLE_OK))
    return fail(ErrorCode::kInternal, "this libcurl does not show the certificate of a session");
  return {};
}

void SanRule::look_at_session() {}  // demand_staple() has

void SanRule::forbid_renegotiation() const {}  // SSL_OP_NO_RENEGOTIATION, from the beginning

const char* tls_library() { return "openssl"; }

bool is_backend_of_curl(std::string_view ssl_version) { return ssl_version.starts_with("OpenSSL/"); }

std::optional<CertificateFault> certificate_fault(long verify_result) {
  switch (verify_result) {
    case X509_V_OK:
      return {};
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return CertificateFault{ErrorCode::kCertificateExpired, fault_text(verify_result)};
    case X509_V_ERR_HOSTNAME_MISMATCH:
      return CertificateFault{ErrorCode::kCertificateHostMismatch, fault_text(verify_result)};
    default:
      return CertificateFault{ErrorCode::kCertificateNotTrusted, fault_text(verify_result)};
  }
}

}  // namespace mtasts
