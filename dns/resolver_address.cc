#include "dns/resolver_address.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace mtasts {
namespace {

constexpr std::size_t kMaxNameServers = 3;  // MAXNS of resolv.h
constexpr std::string_view kBlank = " \t";

bool valid_scope(std::string_view scope) {
  return !scope.empty() && scope.size() < 16 && std::all_of(scope.begin(), scope.end(), [](unsigned char c) {
    return c > 0x20 && c < 0x7f && std::strchr("%[]/", c) == nullptr;
  });
}

// An address without brackets and port.
std::optional<ResolverAddress> parse_bare(std::string_view text) {
  const auto percent = text.find('%');
  const auto address = IpAddress::parse(text.substr(0, percent));
  if (!address) return std::nullopt;
  if (percent == std::string_view::npos) return ResolverAddress{*address, {}, {}};
  const auto scope = text.substr(percent + 1);
  if (address->is_ipv4() || !valid_scope(scope)) return std::nullopt;
  return ResolverAddress{*address, std::string(scope), {}};
}

std::optional<ResolverAddress> parse(std::string_view text) {
  const auto parts = split_port(text);
  auto found = parts ? parse_bare(parts->host) : std::nullopt;
  if (!found || (parts->in_brackets && found->address.is_ipv4())) return std::nullopt;
  if (!parts->port) return found;
  found->port = parse_port(*parts->port);
  return found->port ? found : std::nullopt;
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

// By number: the lookup helper may not read /etc/passwd.
tl::unexpected<Error> unreadable(const std::string& path, int error) {
  return fail(ErrorCode::kLocalFault,
              path + " cannot be read by uid " + std::to_string(::geteuid()) + " (" + std::strerror(error) + ")" +
                  (error == EACCES ? ": make the file and its folder readable for all users, such as with chmod 0644, "
                                     "or set dns.resolvers in mtasts.toml"
                                   : ""));
}

// An unreadable file must not count as an empty one: whoever asked on this machine in vain would take that for a
// failure of DNS.
Result<std::string> text_of(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"), &std::fclose);
  if (!file && errno == ENOENT) return std::string();
  if (!file) return unreadable(path, errno);
  std::string text;
  std::array<char, 4096> buffer{};
  while (const auto got = std::fread(buffer.data(), 1, buffer.size(), file.get())) text.append(buffer.data(), got);
  if (std::ferror(file.get()) != 0) return unreadable(path, errno);
  return text;
}

}  // namespace

bool ResolverAddress::is_local_host() const {
  return address.is_loopback() && (!address.is_ipv4() || address == IpAddress::parse("127.0.0.1"));
}

std::string ResolverAddress::text() const {
  const std::string host = scope.empty() ? address.text() : address.text() + '%' + scope;
  if (!port) return host;
  return (address.is_ipv4() ? host : '[' + host + ']') + ':' + std::to_string(*port);
}

Result<ResolverAddress> parse_resolver_address(std::string_view text) {
  if (auto address = parse(text)) return *address;
  return fail(ErrorCode::kConfig, "\"" + escaped(text) +
                                      "\" is not the address of a resolver: write an IP address, with a port as in "
                                      "\"192.0.2.1:5353\" or \"[2001:db8::1]:5353\"");
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
  if (servers.empty()) servers = {*parse_bare("127.0.0.1"), *parse_bare("::1")};
  std::stable_partition(servers.begin(), servers.end(),
                        [](const auto& server) { return server.address.is_loopback(); });
  return found;
}

Result<ResolvConf> resolvers_of(const std::vector<std::string>& configured, const std::string& file) {
  ResolvConf found;
  for (const auto& text : configured) {
    auto address = parse_resolver_address(text);
    if (!address) return tl::unexpected(address.error());
    found.servers.push_back(std::move(*address));
  }
  if (!found.servers.empty()) return found;
  return text_of(file).map([](const std::string& text) { return parse_resolv_conf(text); });
}

}  // namespace mtasts
