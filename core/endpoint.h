// An IP address and a port, as people write them. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/ip_address.h"

namespace mtasts {

// 1 to 65535, in digits only.
std::optional<std::uint16_t> parse_port(std::string_view digits);

// A host with or without a port: "host", "host:port", "[host]", "[host]:port". More than one colon outside of brackets
// belongs to an IPv6 address, which has no port then. Neither part is looked at.
struct HostAndPort {
  std::string_view host;  // without brackets
  bool in_brackets = false;
  std::optional<std::string_view> port;
};
// nullopt: a bracket is not closed, or something else than a port stands behind it.
std::optional<HostAndPort> split_port(std::string_view text);

struct Endpoint {
  // "192.0.2.1:25", "[2001:db8::1]:25": an IPv6 address in brackets, an IPv4 address without.
  static std::optional<Endpoint> parse(std::string_view text);
  [[nodiscard]] std::string text() const { return address.url_host() + ':' + std::to_string(port); }

  friend bool operator==(const Endpoint&, const Endpoint&) = default;

  IpAddress address;
  std::uint16_t port;
};

}  // namespace mtasts
