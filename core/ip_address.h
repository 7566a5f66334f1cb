// IP addresses and networks as numbers: what belongs together, and what is not on the public internet. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace mtasts {

class IpAddress {
 public:
  // Presentation form without port or scope: "192.0.2.1", "2001:db8::1".
  static std::optional<IpAddress> parse(std::string_view text);
  // 4 or 16 octets in network byte order.
  static std::optional<IpAddress> from_octets(std::string_view octets);

  [[nodiscard]] bool is_ipv4() const { return size_ == kIpv4Size; }
  // 4 or 16, in network byte order.
  [[nodiscard]] std::string_view octets() const;
  [[nodiscard]] std::string text() const;
  // As the host of a URL: an IPv6 address in brackets (RFC 3986 §3.2.2).
  [[nodiscard]] std::string url_host() const { return is_ipv4() ? text() : '[' + text() + ']'; }

  [[nodiscard]] bool is_loopback() const;  // 127.0.0.0/8 or ::1
  // The IPv4 address that packets to this IPv6 address reach: mapped (RFC 4291 §2.5.5.2), IPv4-translated (RFC 2765),
  // NAT64 with the well-known prefix (RFC 6052 §2.1), 6to4 (RFC 3056). nullopt for any other address.
  [[nodiscard]] std::optional<IpAddress> embedded_ipv4() const;
  // Not meant for the public internet: private, loopback, link-local, shared by a carrier, multicast, reserved, and the
  // like (RFC 6890 and IANA's registries); an IPv6 address also for the IPv4 address in it. Addresses reserved for
  // documentation do not count: nobody's hosts have them, and tests do.
  [[nodiscard]] bool is_special() const;

  friend bool operator==(const IpAddress&, const IpAddress&) = default;

 private:
  static constexpr std::size_t kIpv4Size = 4;

  IpAddress() = default;

  std::array<std::uint8_t, 16> bytes_{};
  std::size_t size_ = 0;
};

class IpNetwork {
 public:
  // "10.0.0.0/8", "fd00::/8", or one address. Error kConfig says what is wrong.
  static Result<IpNetwork> parse(std::string_view text);
  // The network of that many leading bits around an address.
  static IpNetwork around(const IpAddress& address, unsigned bits);

  [[nodiscard]] bool contains(const IpAddress& address) const;
  [[nodiscard]] std::string text() const;

 private:
  IpNetwork(const IpAddress& base, unsigned bits) : base_(base), bits_(bits) {}

  IpAddress base_;
  unsigned bits_;
};

}  // namespace mtasts
