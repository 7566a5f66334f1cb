#include "fetch/verification_gnutls.h"

#include <curl/curl.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include <algorithm>
#include <array>

#include "core/ascii.h"

namespace mtasts {
namespace {

constexpr std::size_t kMaxSanOctets = 1024;  // a longer name cannot be a host's

}  // namespace

void CertificateFree::operator()(gnutls_x509_crt_int* certificate) const { gnutls_x509_crt_deinit(certificate); }

Certificate read_certificate(std::string_view der) {
  const gnutls_datum_t bytes{reinterpret_cast<unsigned char*>(const_cast<char*>(der.data())),
                             static_cast<unsigned>(der.size())};
  gnutls_x509_crt_t raw = nullptr;
  if (gnutls_x509_crt_init(&raw) != GNUTLS_E_SUCCESS) return nullptr;
  Certificate certificate(raw);
  if (gnutls_x509_crt_import(raw, &bytes, GNUTLS_X509_FMT_DER) != GNUTLS_E_SUCCESS) return nullptr;
  return certificate;
}

bool names_host(const Certificate& certificate, const std::string& host) {
  const std::string wildcard = '*' + host.substr(std::min(host.find('.'), host.size()));
  std::array<char, kMaxSanOctets> buffer{};
  for (unsigned i = 0;; ++i) {
    std::size_t size = buffer.size();
    const int kind = gnutls_x509_crt_get_subject_alt_name(certificate.get(), i, buffer.data(), &size, nullptr);
    if (kind < 0 && kind != GNUTLS_E_SHORT_MEMORY_BUFFER) return false;  // no more of them, or not readable
    if (kind != GNUTLS_SAN_DNSNAME) continue;
    const std::string_view name(buffer.data(), size);
    if (ascii::equal_ignoring_case(name, host) || ascii::equal_ignoring_case(name, wildcard)) return true;
  }
}

bool is_for_servers(const Certificate& certificate) {
  return gnutls_x509_crt_check_key_purpose(certificate.get(), GNUTLS_KP_TLS_WWW_SERVER, GNUTLS_KP_FLAG_DISALLOW_ANY) !=
         0;
}

std::optional<unsigned> verification_status(gnutls_x509_trust_list_t trusted, const std::vector<Certificate>& chain,
                                            unsigned flags) {
  std::vector<gnutls_x509_crt_t> list;
  list.reserve(chain.size());
  for (const auto& certificate : chain) list.push_back(certificate.get());
  std::string purpose = GNUTLS_KP_TLS_WWW_SERVER;
  gnutls_typed_vdata_st demand{GNUTLS_DT_KEY_PURPOSE_OID, reinterpret_cast<unsigned char*>(purpose.data()), 0};
  unsigned status = 0;
  const unsigned all_flags = flags | static_cast<unsigned>(GNUTLS_PROFILE_TO_VFLAGS(GNUTLS_PROFILE_MEDIUM));
  if (gnutls_x509_trust_list_verify_crt2(trusted, list.data(), static_cast<unsigned>(list.size()), &demand, 1,
                                         all_flags, &status, nullptr) != GNUTLS_E_SUCCESS)
    return std::nullopt;
  return status;
}

gnutls_session_t session_of(void* easy) {
  curl_tlssessioninfo* tls = nullptr;
  if (curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &tls) != CURLE_OK || tls == nullptr ||
      tls->backend != CURLSSLBACKEND_GNUTLS)
    return nullptr;
  return static_cast<gnutls_session_t>(tls->internals);
}

}  // namespace mtasts
