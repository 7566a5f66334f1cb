// Where a recursive resolver is found: as the configuration writes it, and as /etc/resolv.conf does. Pure functions on
// text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace mtasts {

struct ResolverAddress {
  std::string ip;                     // presentation form, without brackets and scope
  std::string scope;                  // of a link-local IPv6 address: an interface name or number
  std::optional<std::uint16_t> port;  // absent: that of the transport

  [[nodiscard]] bool is_ipv6() const;
  [[nodiscard]] bool is_loopback() const;  // 127.0.0.0/8 or ::1
  // For messages: "192.0.2.1", "192.0.2.1:5353", "[fe80::1%eth0]:5353".
  [[nodiscard]] std::string text() const;

  friend bool operator==(const ResolverAddress&, const ResolverAddress&) = default;
};

// "127.0.0.1", "192.0.2.1:5353", "::1", "[::1]:5353", "fe80::1%eth0". Error kConfig: anything else.
Result<ResolverAddress> parse_resolver_address(std::string_view text);

// The name servers of a resolv.conf, at most three as in libc, loopback ones first, otherwise in its order. Lines that
// are not understood are passed over, as libc does. None at all means the local ones, 127.0.0.1 and ::1
// (resolv.conf(5)).
std::vector<ResolverAddress> parse_resolv_conf(std::string_view text);

}  // namespace mtasts
