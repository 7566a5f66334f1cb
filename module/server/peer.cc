#include "module/server/peer.h"

#include <netinet/in.h>
#include <pwd.h>
#include <sys/socket.h>

#include <array>
#include <cstdio>
#include <memory>
#include <optional>
#include <utility>

#include "core/ip_address.h"

namespace mtasts::server {
namespace {

constexpr const char* kUid = "uid ";

// Of the process that connected. Nullopt: not known; over TCP Linux answers with the number 0 and no user.
std::optional<ucred> credentials_of(const Descriptor& socket) {
  ucred credentials{};
  socklen_t length = sizeof credentials;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return std::nullopt;
  return credentials;
}

Peer user_of(const Descriptor& socket) {
  const auto credentials = credentials_of(socket);
  return credentials ? kUid + std::to_string(credentials->uid) : "unknown";
}

// Of 127.0.0.0/8 every process of this machine has sixteen million addresses, and could be as many peers.
Peer host_or_network_of(const IpAddress& address) {
  constexpr unsigned kNetworkBits = 64;
  if (address.is_loopback()) return address.is_ipv4() ? "127.0.0.1" : "::1";
  return address.is_ipv4() ? address.text() : IpNetwork::around(address, kNetworkBits).text();
}

template <typename Octets>
Peer peer_with(const Octets& octets) {
  const auto address = IpAddress::from_octets({reinterpret_cast<const char*>(&octets), sizeof octets});
  return host_or_network_of(address.value());
}

}  // namespace

Peer peer_of(const Descriptor& socket) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (::getpeername(socket.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) return "unknown";
  if (address.ss_family == AF_INET) return peer_with(reinterpret_cast<const sockaddr_in&>(address).sin_addr);
  if (address.ss_family == AF_INET6) return peer_with(reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
  return user_of(socket);
}

PeerProcess peer_process_of(const Descriptor& socket, Peer peer) {
  const auto credentials = credentials_of(socket);
  return {std::move(peer), credentials ? credentials->pid : 0};
}

std::string describe(const Peer& peer) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen("/etc/passwd", "re"), std::fclose);
  if (!peer.starts_with(kUid) || !file) return peer;
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> buffer{};
  while (::fgetpwent_r(file.get(), &entry, buffer.data(), buffer.size(), &found) == 0) {
    if (peer == kUid + std::to_string(entry.pw_uid)) return peer + " (" + entry.pw_name + ")";
  }
  return peer;
}

}  // namespace mtasts::server
