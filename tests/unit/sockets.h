// Sockets whose other end a test has in its hands.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstddef>
#include <fstream>
#include <string>

#include "module/io/descriptor.h"

namespace mtasts::test {

struct SocketPair {
  Descriptor ours;
  Descriptor theirs;
};

// Both ends of a stream. `flags`: such as SOCK_NONBLOCK.
inline SocketPair socket_pair(int flags = 0) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0, ends.data()), 0);
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

// Takes datagrams, as a collector of reports and a service manager do.
inline Descriptor datagram_socket_at(const std::string& path) {
  Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  return socket;
}

// How many the kernel keeps for one that takes none: 11, or 513 where systemd has booted.
inline std::size_t datagrams_kept() {
  std::size_t longest_queue = 10;
  std::ifstream("/proc/sys/net/unix/max_dgram_qlen") >> longest_queue;
  return longest_queue + 1;
}

// The first that has come and was not taken yet; "" when there is none.
inline std::string next_datagram(const Descriptor& socket) {
  std::string bytes(100'000, '\0');
  const auto got = ::recv(socket.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  bytes.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return bytes;
}

}  // namespace mtasts::test
