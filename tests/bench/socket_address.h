// Where the benches' own server and client meet: "unix:/path" or "inet:PORT" (at 127.0.0.1).
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace mtasts::bench {

struct SocketAddress {
  union {
    sockaddr any;
    sockaddr_un local;
    sockaddr_in internet;
  };
  socklen_t size = 0;
};

inline SocketAddress socket_address(const std::string& text) {
  SocketAddress address{};
  if (text.starts_with("unix:")) {
    address.local = {.sun_family = AF_UNIX, .sun_path = {}};
    std::strncpy(address.local.sun_path, text.c_str() + 5, sizeof address.local.sun_path - 1);
    address.size = sizeof address.local;
  } else {
    address.internet = {.sin_family = AF_INET,
                        .sin_port = htons(static_cast<std::uint16_t>(std::stoi(text.substr(5)))),
                        .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)},
                        .sin_zero = {}};
    address.size = sizeof address.internet;
  }
  return address;
}

// A failed system call ends the bench: its figures would mean nothing.
inline int checked(int result, const char* call) {
  if (result >= 0) return result;
  std::perror(call);
  std::exit(1);
}

inline void send_at_once(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // refused by a unix socket, which has no such delay
}

}  // namespace mtasts::bench
