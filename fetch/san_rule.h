// R12, R25: the host must be named by a subjectAltName of type DNS. Both TLS libraries would, through libcurl, be
// content with a Common Name where there is no such SAN; this forbids it. One .cc for each TLS library.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/result.h"
#include "fetch/callback_target.h"

namespace mtasts {

// What is wrong with a certificate.
struct CertificateFault {
  ErrorCode session;  // what RFC 8460 calls it where it ends an SMTP session
  std::string text;   // "is expired"
};

class SanRule {
 public:
  // `look`: refuses no certificate; an audit says what is wrong with it. Called when there is a TLS session, before
  // anything is asked in it; false ends the transfer.
  explicit SanRule(std::string host, std::function<bool()> look = {})
      : host_(std::move(host)), look_(std::move(look)) {}
  SanRule(const SanRule&) = delete;
  SanRule& operator=(const SanRule&) = delete;

  // Puts the rule on a libcurl easy handle, which the rule must outlive. Error kInternal: this libcurl cannot be made
  // to keep it.
  Result<void> apply(void* easy);

  // After the transfer: was the rule in force? If not, whatever was fetched must not be used.
  [[nodiscard]] bool was_applied() const { return applied_; }
  // Why the rule itself refused the certificate, if it did. One that only looks notes what is no matter of the
  // certificates alone.
  [[nodiscard]] const std::optional<CertificateFault>& refusal() const { return refusal_; }

  // To be called as soon as there may be a TLS session and before anything is read in it: forbids a second handshake.
  // apply() does it for who reads nothing before his request.
  void forbid_renegotiation() const;

  // For who only looks, as soon as there is a TLS session: refuses what is wrong with it beside its certificates.
  void look_at_session();

  // Did the peer say that it sent everything (TLS close_notify)? A closed connection alone may be somebody else's
  // doing.
  [[nodiscard]] bool was_ended_by_peer() const { return ended_by_peer_; }

  // For the TLS library's callbacks, of which some can come when the rule is gone.
  [[nodiscard]] void* callback_data() const { return target_.data(); }
  static SanRule* find(const void* callback_data) { return CallbackTarget<SanRule>::find(callback_data); }
  [[nodiscard]] void* easy() const { return easy_; }
  [[nodiscard]] const std::string& host() const { return host_; }
  [[nodiscard]] bool only_looks() const { return look_ != nullptr; }
  [[nodiscard]] bool may_go_on() const { return look_(); }
  void set_applied() { applied_ = true; }
  void set_ended_by_peer() { ended_by_peer_ = true; }
  unsigned count_handshake_message() { return ++handshake_messages_; }
  void refuse(std::optional<CertificateFault> why) { refusal_ = std::move(why); }

 private:
  CallbackTarget<SanRule> target_{*this};
  std::string host_;
  std::function<bool()> look_;
  void* easy_ = nullptr;
  std::optional<CertificateFault> refusal_;
  bool applied_ = false;
  bool ended_by_peer_ = false;
  unsigned handshake_messages_ = 0;
};

// "openssl" or "gnutls".
const char* tls_library();

// True when `ssl_version` of curl_version_info() names this TLS library.
bool is_backend_of_curl(std::string_view ssl_version);

// What CURLINFO_SSL_VERIFYRESULT says of a certificate, or nothing.
std::optional<CertificateFault> certificate_fault(long verify_result);

}  // namespace mtasts
