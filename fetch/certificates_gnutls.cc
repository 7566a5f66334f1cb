#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "core/ascii.h"
#include "core/time.h"
#include "fetch/certificates.h"
#include "fetch/san_rule.h"
#include "fetch/verification_gnutls.h"

namespace mtasts {
namespace {

constexpr std::size_t kMaxNames = 100;
constexpr std::size_t kMaxNameOctets = 255;
constexpr unsigned kOutOfDate = GNUTLS_CERT_EXPIRED | GNUTLS_CERT_NOT_ACTIVATED;

struct TrustListFree {
  void operator()(gnutls_x509_trust_list_t list) const { gnutls_x509_trust_list_deinit(list, 1); }
};
using TrustList = std::unique_ptr<std::remove_pointer_t<gnutls_x509_trust_list_t>, TrustListFree>;

TrustList empty_list() {
  gnutls_x509_trust_list_t raw = nullptr;
  return gnutls_x509_trust_list_init(&raw, 0) == GNUTLS_E_SUCCESS ? TrustList(raw) : nullptr;
}

std::vector<Certificate> read(const Chain& chain) {
  std::vector<Certificate> certificates;
  for (const auto& der : chain) {
    certificates.push_back(read_certificate(der));
    if (!certificates.back()) return {};
  }
  return certificates;
}

std::vector<std::string> dns_names(gnutls_x509_crt_t certificate) {
  std::vector<std::string> found;
  std::array<char, kMaxNameOctets + 1> buffer{};
  for (unsigned i = 0; found.size() < kMaxNames; ++i) {
    std::size_t size = buffer.size();
    const int kind = gnutls_x509_crt_get_subject_alt_name(certificate, i, buffer.data(), &size, nullptr);
    if (kind < 0 && kind != GNUTLS_E_SHORT_MEMORY_BUFFER) break;
    if (kind == GNUTLS_SAN_DNSNAME && size <= kMaxNameOctets) found.emplace_back(buffer.data(), size);
  }
  return found;
}

bool is_common_name(gnutls_x509_crt_t certificate, const std::string& host) {
  std::array<char, kMaxNameOctets + 1> buffer{};
  std::size_t size = buffer.size();
  if (gnutls_x509_crt_get_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, 0, buffer.data(), &size) !=
      GNUTLS_E_SUCCESS)
    return false;
  const std::string_view name(buffer.data(), size);
  const std::string wildcard = '*' + host.substr(std::min(host.find('.'), host.size()));
  return ascii::equal_ignoring_case(name, host) || ascii::equal_ignoring_case(name, wildcard);
}

bool is_out_of_date(gnutls_x509_crt_t certificate) {
  const auto now = std::time(nullptr);
  return gnutls_x509_crt_get_expiration_time(certificate) < now ||
         gnutls_x509_crt_get_activation_time(certificate) > now;
}

class GnutlsAuthorities final : public Authorities {
 public:
  explicit GnutlsAuthorities(TrustList trusted) : trusted_(std::move(trusted)) {}

  [[nodiscard]] CertificateFact judge(const Chain& chain, const std::string& host) const override {
    CertificateFact fact;
    const auto certificates = read(chain);
    if (certificates.empty()) {
      refuse("cannot be read", fact);
      return fact;
    }
    gnutls_x509_crt_t leaf = certificates.front().get();
    fact.names = dns_names(leaf);
    fact.not_after = from_epoch(gnutls_x509_crt_get_expiration_time(leaf));
    judge_trust(certificates, fact);
    if (names_host(certificates.front(), host)) return fact;
    fact.has_only_common_name = fact.names.empty() && is_common_name(leaf, host);
    fact.is_for_another_name = !fact.has_only_common_name;
    if (fact.detail.empty()) fact.detail = "the certificate does not name this host in a DNS subjectAltName";
    return fact;
  }

 private:
  // Another way may lead to an authority when one certificate is out of date.
  void judge_trust(const std::vector<Certificate>& chain, CertificateFact& fact) const {
    if (!is_for_servers(chain.front())) return refuse("is not for servers", fact);
    const auto status = verification_status(trusted_.get(), chain);
    if (!status) return refuse("cannot be verified", fact);
    if (*status == 0) return;
    const unsigned timeless =
        verification_status(trusted_.get(), chain, GNUTLS_VERIFY_DISABLE_TIME_CHECKS).value_or(GNUTLS_CERT_INVALID);
    fact.is_untrusted = timeless != 0;
    fact.is_expired = !fact.is_untrusted || is_out_of_date(chain.front().get());
    const auto fault = certificate_fault(static_cast<long>(fact.is_untrusted ? timeless : *status & kOutOfDate));
    fact.detail = "the certificate " + (fault ? fault->text : "is refused");
  }
  static void refuse(const std::string& why, CertificateFact& fact) {
    fact.is_untrusted = true;
    fact.detail = "the certificate " + why;
  }

  TrustList trusted_;
};

}  // namespace

std::optional<ShownTls> shown_tls(void* easy) {
  gnutls_session_t session = session_of(easy);
  if (session == nullptr) return std::nullopt;
  const char* version = gnutls_protocol_get_name(gnutls_protocol_get_version(session));
  ShownTls shown{{}, version == nullptr ? "" : version};
  if (shown.version.starts_with("TLS1")) shown.version.insert(3, "v");  // as OpenSSL writes it
  unsigned count = 0;
  const gnutls_datum_t* list = gnutls_certificate_get_peers(session, &count);
  for (unsigned i = 0; list != nullptr && i < count && i < kMaxChain; ++i)
    shown.chain.emplace_back(reinterpret_cast<const char*>(list[i].data), list[i].size);
  return shown;
}

Result<std::unique_ptr<Authorities>> load_authorities(const std::string& ca_file, const std::string& crl_file) {
  TrustList trusted = empty_list();
  const char* crls = crl_file.empty() ? nullptr : crl_file.c_str();
  if (!trusted ||
      gnutls_x509_trust_list_add_trust_file(trusted.get(), ca_file.c_str(), crls, GNUTLS_X509_FMT_PEM, 0, 0) < 0)
    return fail(ErrorCode::kLocalFault,
                "the file of trusted authorities or that of revoked certificates cannot be used: " + escaped(ca_file) +
                    " " + escaped(crl_file));
  return std::make_unique<GnutlsAuthorities>(std::move(trusted));
}

std::string public_key_info(const std::string& certificate) {
  const Certificate readable = read_certificate(certificate);
  gnutls_pubkey_t raw = nullptr;
  if (!readable || gnutls_pubkey_init(&raw) != GNUTLS_E_SUCCESS) return {};
  const std::unique_ptr<std::remove_pointer_t<gnutls_pubkey_t>, void (*)(gnutls_pubkey_t)> key(raw,
                                                                                               &gnutls_pubkey_deinit);
  gnutls_datum_t der{};
  if (gnutls_pubkey_import_x509(raw, readable.get(), 0) != GNUTLS_E_SUCCESS ||
      gnutls_pubkey_export2(raw, GNUTLS_X509_FMT_DER, &der) != GNUTLS_E_SUCCESS)
    return {};
  std::string info(reinterpret_cast<const char*>(der.data), der.size);
  gnutls_free(der.data);
  return info;
}

std::string tlsa_digest(unsigned matching, const std::string& data) {
  const gnutls_digest_algorithm_t algorithm = matching == 1 ? GNUTLS_DIG_SHA256 : GNUTLS_DIG_SHA512;
  std::string digest(gnutls_hash_get_len(algorithm), '\0');
  return gnutls_hash_fast(algorithm, data.data(), data.size(), digest.data()) == GNUTLS_E_SUCCESS ? digest : "";
}

bool is_anchored(const Chain& chain, std::size_t anchor, const std::string& host) {
  const auto certificates = read(chain);
  if (certificates.empty() || !names_host(certificates.front(), host)) return false;
  const TrustList trusted = empty_list();
  gnutls_x509_crt_t of_the_list = read_certificate(chain[anchor]).release();  // freed with it
  if (!trusted || gnutls_x509_trust_list_add_cas(trusted.get(), &of_the_list, 1, 0) != 1) {
    gnutls_x509_crt_deinit(of_the_list);
    return false;
  }
  return verification_status(trusted.get(), certificates) == 0U;
}

}  // namespace mtasts
