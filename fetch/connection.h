// One libcurl easy handle that connects to given addresses only and to nobody but the host they are said to be: its
// certificate must satisfy R12 (policy hosts) or R25 (MX hosts), which ask for the same. What is asked over it is the
// business of transfer.h and mx_session.h.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/ip_address.h"
#include "core/result.h"
#include "fetch/callback_target.h"
#include "fetch/san_rule.h"

namespace mtasts {

struct ConnectionConfig {
  std::string host;
  std::uint16_t port;
  std::string ca_file;
  std::string crl_file;  // may be empty
  std::string proxy;     // may be empty; it then looks the host up itself
  // libcurl sends the name in the URL as SNI, and none where that is an address.
  bool has_address_in_url = false;
  // Asked before each connection to an address, but for the proxy's. Empty: always.
  std::function<bool(const IpAddress&)> has_room{};
  // For an audit: no certificate is refused; as of SanRule.
  std::function<bool()> look{};
};

class Connection {
 public:
  explicit Connection(ConnectionConfig config);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Sets everything up that is not the protocol's, for connections to these addresses and to no other. Error
  // kInternal: libcurl refused an option; kLocalFault: no memory. `addresses` must not be empty.
  Result<void> prepare(const std::vector<IpAddress>& addresses);

  // The CURL*; must not be in a multi handle any more when the connection is destroyed.
  [[nodiscard]] void* easy() const;
  [[nodiscard]] const std::string& host() const { return config_.host; }
  // Of this end and of the peer; empty where there was no connection.
  [[nodiscard]] std::string own_address() const;
  [[nodiscard]] std::string peer_address() const;
  // TCP, whatever came of TLS. Known once the connection is closed, too.
  [[nodiscard]] bool was_connected(int curl_code) const;
  // Where there was no room for a connection; the last such address.
  [[nodiscard]] const std::optional<IpAddress>& crowded() const { return crowded_; }
  [[nodiscard]] SanRule& san_rule() { return san_rule_; }
  [[nodiscard]] const SanRule& san_rule() const { return san_rule_; }

  // The host and the address that was tried last.
  [[nodiscard]] std::string where() const;
  // Why nothing could be judged here, or empty.
  [[nodiscard]] std::string local_fault(int curl_code) const;
  // Does the peer offer nothing from TLS 1.2 on?
  [[nodiscard]] bool is_tls_too_old(int curl_code) const;
  // What is wrong with the peer's certificate; `text` is a whole sentence.
  [[nodiscard]] std::optional<CertificateFault> certificate_fault(int curl_code) const;
  // libcurl's own words.
  [[nodiscard]] std::string error_text(int curl_code) const;

 private:
  struct Handles;
  struct Callbacks;

  [[nodiscard]] bool may_connect(const IpAddress& address);
  [[nodiscard]] std::string proxy_fault(int curl_code) const;
  [[nodiscard]] std::string connect_fault() const;
  void set_addresses(const std::vector<IpAddress>& addresses);
  Result<void> set_options();

  CallbackTarget<Connection> target_{*this};
  ConnectionConfig config_;
  SanRule san_rule_;
  std::vector<IpAddress> allowed_;
  std::optional<IpAddress> crowded_;
  std::string socket_fault_;
  bool had_peer_ = false;
  std::string socket_address_;        // of the last socket
  std::unique_ptr<Handles> handles_;  // last, hence destroyed first: libcurl has pointers to the rest
};

}  // namespace mtasts
