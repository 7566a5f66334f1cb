// Where a recursive resolver is found: as the configuration writes it, and as /etc/resolv.conf does.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/endpoint.h"
#include "core/result.h"

namespace mtasts {

struct ResolverAddress {
  IpAddress address;
  std::string scope;                  // of a link-local IPv6 address: an interface name or number
  std::optional<std::uint16_t> port;  // absent: that of the transport

  [[nodiscard]] bool is_local_host() const;  // exactly 127.0.0.1 or ::1
  // For messages: "192.0.2.1", "192.0.2.1:5353", "[fe80::1%eth0]:5353".
  [[nodiscard]] std::string text() const;

  friend bool operator==(const ResolverAddress&, const ResolverAddress&) = default;
};

// "127.0.0.1", "192.0.2.1:5353", "::1", "[::1]:5353", "fe80::1%eth0". Error kConfig: anything else.
Result<ResolverAddress> parse_resolver_address(std::string_view text);

struct ResolvConf {
  // At most three as in libc, loopback ones first, otherwise in the order of the file. None at all means the local
  // ones, 127.0.0.1 and ::1 (resolv.conf(5)).
  std::vector<ResolverAddress> servers;
  bool trusts_ad = false;  // options trust-ad: the administrator vouches for the servers and the way to them
};

// Lines that are not understood are passed over, as libc does.
ResolvConf parse_resolv_conf(std::string_view text);
// The configured ones, or those of the file where none is; a file that is not there is an empty one. Error kConfig as
// parse_resolver_address(); kLocalFault: this user cannot read the file.
inline constexpr const char* kResolvConf = "/etc/resolv.conf";
Result<ResolvConf> resolvers_of(const std::vector<std::string>& configured, const std::string& file = kResolvConf);

}  // namespace mtasts
