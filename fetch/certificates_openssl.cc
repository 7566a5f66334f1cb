#include <curl/curl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>

#include "core/time.h"
#include "fetch/certificates.h"
#include "fetch/san_rule.h"
#include "fetch/verification_openssl.h"

namespace mtasts {
namespace {

template <auto kFree>
struct Free {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using Certificate = std::unique_ptr<X509, Free<&X509_free>>;
using Store = std::unique_ptr<X509_STORE, Free<&X509_STORE_free>>;
using StoreContext = std::unique_ptr<X509_STORE_CTX, Free<&X509_STORE_CTX_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Free<&GENERAL_NAMES_free>>;
struct StackFree {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }
};
using Stack = std::unique_ptr<STACK_OF(X509), StackFree>;

constexpr std::size_t kMaxNames = 100;
constexpr int kMaxNameOctets = 255;

Certificate read(const std::string& der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  return Certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
}

std::vector<Certificate> read(const Chain& chain) {
  std::vector<Certificate> certificates;
  for (const auto& der : chain) {
    certificates.push_back(read(der));
    if (!certificates.back()) return {};
  }
  return certificates;
}

// What this system demands of keys and signatures, as in any session.
int security_level() {
  const std::unique_ptr<SSL_CTX, Free<&SSL_CTX_free>> context(SSL_CTX_new(TLS_client_method()));
  constexpr int kAtLeast112Bits = 2;
  return context ? SSL_CTX_get_security_level(context.get()) : kAtLeast112Bits;
}

int watch_verification(int is_good, X509_STORE_CTX* chain) noexcept {
  if (is_good == 1 || !is_ignorable_crl_error(X509_STORE_CTX_get_error(chain))) return is_good;
  X509_STORE_CTX_set_error(chain, X509_V_OK);
  return 1;
}

// X509_V_OK or the first fault of the chain without regard to names.
int verify(X509_STORE* store, const std::vector<Certificate>& chain, unsigned long flags) {
  const StoreContext context(X509_STORE_CTX_new());
  const Stack untrusted(sk_X509_new_null());
  for (const auto& certificate : chain) sk_X509_push(untrusted.get(), certificate.get());
  if (X509_STORE_CTX_init(context.get(), store, chain.front().get(), untrusted.get()) != 1)
    return X509_V_ERR_OUT_OF_MEM;
  X509_STORE_CTX_set_default(context.get(), "ssl_server");
  X509_VERIFY_PARAM* param = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_flags(param, flags | X509_V_FLAG_TRUSTED_FIRST);
  X509_VERIFY_PARAM_set_auth_level(param, security_level());
  X509_STORE_CTX_set_verify_cb(context.get(), &watch_verification);
  return X509_verify_cert(context.get()) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(context.get());
}

bool is_out_of_date(const Certificate& certificate) {
  return is_expired(certificate.get()) || is_not_yet_valid(certificate.get());
}

WallTime time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return from_epoch(timegm(&parts));
}

std::vector<std::string> dns_names(X509* certificate) {
  std::vector<std::string> found;
  const Names names(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()) && found.size() < kMaxNames; ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS || ASN1_STRING_length(name->d.dNSName) > kMaxNameOctets) continue;
    found.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                       static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
  }
  return found;
}

bool names_host(X509* certificate, const std::string& host, unsigned flags) {
  return X509_check_host(certificate, host.c_str(), host.size(), flags, nullptr) == 1;
}

class OpensslAuthorities final : public Authorities {
 public:
  OpensslAuthorities(Store store, unsigned long flags) : store_(std::move(store)), flags_(flags) {}

  [[nodiscard]] CertificateFact judge(const Chain& chain, const std::string& host) const override {
    CertificateFact fact;
    const auto certificates = read(chain);
    if (certificates.empty()) {
      fact.is_untrusted = true;
      fact.detail = "the certificate cannot be read";
      return fact;
    }
    X509* leaf = certificates.front().get();
    fact.names = dns_names(leaf);
    fact.not_after = time_of(X509_get0_notAfter(leaf));
    judge_trust(certificates, fact);
    if (names_host(leaf, host, kHostFlags)) return fact;
    fact.has_only_common_name =
        fact.names.empty() && names_host(leaf, host, kHostFlags & ~unsigned{X509_CHECK_FLAG_NEVER_CHECK_SUBJECT});
    fact.is_for_another_name = !fact.has_only_common_name;
    if (fact.detail.empty()) fact.detail = "the certificate does not name this host in a DNS subjectAltName";
    return fact;
  }

 private:
  // Another way may lead to an authority when one certificate is out of date.
  void judge_trust(const std::vector<Certificate>& chain, CertificateFact& fact) const {
    const int error = verify(store_.get(), chain, flags_);
    if (error == X509_V_OK) return;
    const int timeless = verify(store_.get(), chain, flags_ | X509_V_FLAG_NO_CHECK_TIME);
    fact.is_untrusted = timeless != X509_V_OK;
    fact.is_expired = !fact.is_untrusted || is_out_of_date(chain.front());
    const auto fault = certificate_fault(fact.is_untrusted ? timeless : error);
    fact.detail = "the certificate " + (fault ? fault->text : "is refused");
  }

  Store store_;
  unsigned long flags_;
};

}  // namespace

std::optional<ShownTls> shown_tls(void* easy) {
  curl_tlssessioninfo* info = nullptr;
  if (curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &info) != CURLE_OK || info == nullptr ||
      info->backend != CURLSSLBACKEND_OPENSSL || info->internals == nullptr)
    return std::nullopt;
  const auto* ssl = static_cast<const SSL*>(info->internals);
  ShownTls shown{{}, SSL_get_version(ssl)};
  const STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl);
  for (int i = 0; i < sk_X509_num(chain) && shown.chain.size() < kMaxChain; ++i) {
    unsigned char* der = nullptr;
    const int size = i2d_X509(sk_X509_value(chain, i), &der);
    if (size <= 0) break;
    shown.chain.emplace_back(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
  }
  return shown;
}

Result<std::unique_ptr<Authorities>> load_authorities(const std::string& ca_file, const std::string& crl_file) {
  Store store(X509_STORE_new());
  X509_LOOKUP* lookup = X509_STORE_add_lookup(store.get(), X509_LOOKUP_file());
  if (lookup == nullptr || X509_load_cert_file(lookup, ca_file.c_str(), X509_FILETYPE_PEM) <= 0)
    return fail(ErrorCode::kLocalFault, "the file of trusted authorities cannot be used: " + escaped(ca_file));
  if (!crl_file.empty() && X509_load_crl_file(lookup, crl_file.c_str(), X509_FILETYPE_PEM) <= 0)
    return fail(ErrorCode::kLocalFault, "the file of revoked certificates cannot be used: " + escaped(crl_file));
  // As libcurl has it.
  const unsigned long flags =
      crl_file.empty() ? X509_V_FLAG_PARTIAL_CHAIN : X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
  return std::make_unique<OpensslAuthorities>(std::move(store), flags);
}

std::string public_key_info(const std::string& certificate) {
  const Certificate readable = read(certificate);
  unsigned char* der = nullptr;
  const int size = readable ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(readable.get()), &der) : 0;
  if (size <= 0) return {};
  std::string info(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return info;
}

std::string tlsa_digest(unsigned matching, const std::string& data) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(data.data(), data.size(), digest.data(), &size, matching == 1 ? EVP_sha256() : EVP_sha512(),
                 nullptr) != 1)
    return {};
  return {reinterpret_cast<const char*>(digest.data()), size};
}

bool is_anchored(const Chain& chain, std::size_t anchor, const std::string& host) {
  const auto certificates = read(chain);
  if (certificates.empty() || !names_host(certificates.front().get(), host, kHostFlags)) return false;
  const Store store(X509_STORE_new());
  X509_STORE_add_cert(store.get(), certificates[anchor].get());
  return verify(store.get(), certificates, X509_V_FLAG_PARTIAL_CHAIN) == X509_V_OK;
}

}  // namespace mtasts
