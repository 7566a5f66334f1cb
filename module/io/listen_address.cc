#include "module/io/listen_address.h"

#include <netinet/in.h>
#include <sys/un.h>

#include <cstring>

namespace mtasts {
namespace {

tl::unexpected<Error> refused(std::string_view words, const std::string& why) {
  return fail(ErrorCode::kConfig, '"' + escaped(words) + "\" " + why);
}

template <typename Address>
ListenAddress with(std::string text, const Address& address, std::size_t length) {
  ListenAddress result{std::move(text), {}, static_cast<socklen_t>(length)};
  std::memcpy(&result.address, &address, sizeof address);
  return result;
}

Result<ListenAddress> parse_unix(std::string_view words, std::string_view path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (!path.starts_with('/') || path.ends_with('/')) return refused(words, "must name a socket by its whole path");
  if (path.find('\0') != std::string_view::npos) return refused(words, "is no path");
  if (path.size() >= sizeof address.sun_path) {
    return refused(words, "is longer than the " + std::to_string(sizeof address.sun_path - 1) +
                              " octets that the path of a socket may have");
  }
  path.copy(address.sun_path, path.size());
  return with("unix:" + std::string(path), address, offsetof(sockaddr_un, sun_path) + path.size() + 1);
}

ListenAddress with(const Endpoint& endpoint) {
  const auto octets = endpoint.address.octets();
  const std::string text = "inet:" + endpoint.text();
  if (endpoint.address.is_ipv4()) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(endpoint.port);
    std::memcpy(&address.sin_addr, octets.data(), octets.size());
    return with(text, address, sizeof address);
  }
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(endpoint.port);
  std::memcpy(&address.sin6_addr, octets.data(), octets.size());
  return with(text, address, sizeof address);
}

Result<ListenAddress> parse_inet(std::string_view words, std::string_view where) {
  if (const auto endpoint = Endpoint::parse(where)) return with(*endpoint);
  const auto colon = where.rfind(':');
  if (colon == std::string_view::npos || !parse_port(where.substr(colon + 1)))
    return refused(words, R"(must end with a port from 1 to 65535, like "inet:127.0.0.1:8461")");
  const auto host = where.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    return refused(words, R"(must have an IPv6 address between the brackets, like "inet:[::1]:8461")");
  return refused(words, R"(must have an address in numbers, like "inet:127.0.0.1:8461" or "inet:[::1]:8461")");
}

}  // namespace

Result<ListenAddress> parse_listen_address(std::string_view words) {
  if (words.starts_with("unix:")) return parse_unix(words, words.substr(5));
  if (words.starts_with("inet:")) return parse_inet(words, words.substr(5));
  return refused(words, R"(must begin with "unix:" or "inet:", like "unix:/run/mtasts/socketmap.sock")");
}

}  // namespace mtasts
