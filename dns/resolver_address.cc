#include "dns/resolver_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <fstream>
#include <sstream>

namespace mtasts {
namespace {

constexpr std::size_t kMaxNameServers = 3;  // MAXNS of resolv.h
constexpr const char* kResolvConf = "/etc/resolv.conf";
constexpr std::string_view kBlank = " \t";

// The address in network order, or nothing.
std::optional<std::array<unsigned char, 16>> bytes_of(int family, const std::string& ip) {
  std::array<unsigned char, 16> bytes{};
  if (inet_pton(family, ip.c_str(), bytes.data()) != 1) return std::nullopt;
  return bytes;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0 || port > 65'535) return std::nullopt;
  return static_cast<std::uint16_t>(port);
}

bool valid_scope(std::string_view scope) {
  return !scope.empty() && scope.size() < 16 && std::all_of(scope.begin(), scope.end(), [](unsigned char c) {
    return c > 0x20 && c < 0x7f && std::strchr("%[]/", c) == nullptr;
  });
}

// An address without brackets and port.
std::optional<ResolverAddress> parse_bare(std::string_view text) {
  ResolverAddress address;
  const auto percent = text.find('%');
  address.ip = std::string(text.substr(0, percent));
  if (percent != std::string_view::npos) {
    address.scope = std::string(text.substr(percent + 1));
    if (!address.is_ipv6() || !valid_scope(address.scope)) return std::nullopt;
  }
  if (address.ip.find('\0') != std::string::npos) return std::nullopt;
  if (!bytes_of(address.is_ipv6() ? AF_INET6 : AF_INET, address.ip)) return std::nullopt;
  return address;
}

std::optional<ResolverAddress> parse(std::string_view text) {
  std::string_view host = text;
  std::optional<std::string_view> port;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    host = text.substr(1, close - 1);
    if (host.find(':') == std::string_view::npos) return std::nullopt;
    const auto rest = text.substr(close + 1);
    if (!rest.empty() && !rest.starts_with(':')) return std::nullopt;
    if (!rest.empty()) port = rest.substr(1);
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    host = text.substr(0, text.find(':'));
    port = text.substr(text.find(':') + 1);
  }
  auto address = parse_bare(host);
  if (!address || !port) return address;
  address->port = parse_port(*port);
  return address->port ? address : std::nullopt;
}

// The next word of `line`, which is shortened by it.
std::string_view next_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(kBlank), line.size()));
  const auto word = line.substr(0, line.find_first_of(kBlank));
  line.remove_prefix(word.size());
  return word;
}

bool has_word(std::string_view line, std::string_view wanted) {
  for (auto word = next_word(line); !word.empty(); word = next_word(line)) {
    if (word == wanted) return true;
  }
  return false;
}

}  // namespace

bool ResolverAddress::is_ipv6() const { return ip.find(':') != std::string::npos; }

bool ResolverAddress::is_loopback() const {
  static constexpr std::array<unsigned char, 16> kLoopback6{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  const auto bytes = bytes_of(is_ipv6() ? AF_INET6 : AF_INET, ip);
  return bytes && (is_ipv6() ? *bytes == kLoopback6 : bytes->front() == 127);
}

std::string ResolverAddress::text() const {
  std::string host = scope.empty() ? ip : ip + '%' + scope;
  if (!port) return host;
  return (is_ipv6() ? '[' + host + ']' : host) + ':' + std::to_string(*port);
}

Result<ResolverAddress> parse_resolver_address(std::string_view text) {
  if (auto address = parse(text)) return *address;
  return fail(ErrorCode::kConfig, "\"" + escaped(text) +
                                      "\" is not the address of a resolver: write an IP address, with a port as in "
                                      "\"192.0.2.1:5353\" or \"[2001:db8::1]:5353\"");
}

bool ResolverAddress::is_local_host() const {
  static constexpr std::array<unsigned char, 16> kLocalHost{127, 0, 0, 1};
  const auto bytes = bytes_of(is_ipv6() ? AF_INET6 : AF_INET, ip);
  return bytes && (is_ipv6() ? is_loopback() : *bytes == kLocalHost);
}

ResolvConf parse_resolv_conf(std::string_view text) {
  ResolvConf found;
  auto& servers = found.servers;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    line = line.substr(0, line.find_first_of("#;\r"));
    const auto keyword = next_word(line);
    if (keyword == "options") found.trusts_ad = found.trusts_ad || has_word(line, "trust-ad");
    if (keyword != "nameserver" || servers.size() == kMaxNameServers) continue;
    if (const auto address = parse_bare(next_word(line))) servers.push_back(*address);
  }
  if (servers.empty()) servers = {{.ip = "127.0.0.1", .scope = {}, .port = {}}, {.ip = "::1", .scope = {}, .port = {}}};
  std::stable_partition(servers.begin(), servers.end(), [](const auto& server) { return server.is_loopback(); });
  return found;
}

Result<ResolvConf> resolvers_of(const std::vector<std::string>& configured) {
  ResolvConf found;
  for (const auto& text : configured) {
    auto address = parse_resolver_address(text);
    if (!address) return tl::unexpected(address.error());
    found.servers.push_back(std::move(*address));
  }
  if (!found.servers.empty()) return found;
  std::ifstream file(kResolvConf);
  std::ostringstream text;
  text << file.rdbuf();
  return parse_resolv_conf(text.str());
}

}  // namespace mtasts
