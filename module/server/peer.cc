#include "module/server/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <memory>

namespace mtasts::server {
namespace {

constexpr const char* kUid = "uid ";

Peer user_of(const Descriptor& socket) {
  ucred credentials{};
  socklen_t length = sizeof credentials;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return "unknown";
  return kUid + std::to_string(credentials.uid);
}

std::string text_of(int family, const void* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(family, address, text.data(), text.size());
  return text.data();
}

// Of 127.0.0.0/8 every process of this machine has sixteen million addresses, and could be as many peers.
Peer host_of(in_addr address) {
  if ((ntohl(address.s_addr) >> IN_CLASSA_NSHIFT) == IN_LOOPBACKNET) address.s_addr = htonl(INADDR_LOOPBACK);
  return text_of(AF_INET, &address);
}

Peer network_of(in6_addr address) {
  if (IN6_IS_ADDR_LOOPBACK(&address)) return "::1";
  std::fill(std::begin(address.s6_addr) + 8, std::end(address.s6_addr), std::uint8_t{0});
  return text_of(AF_INET6, &address) + "/64";
}

}  // namespace

Peer peer_of(const Descriptor& socket) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (::getpeername(socket.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) return "unknown";
  if (address.ss_family == AF_INET) return host_of(reinterpret_cast<const sockaddr_in&>(address).sin_addr);
  if (address.ss_family == AF_INET6) return network_of(reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
  return user_of(socket);
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
