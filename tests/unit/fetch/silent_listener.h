// Hosts on loopback that say nothing: one that takes connections, and one that is as good as switched off.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <string>

namespace mtasts::test {

class SilentListener {
 public:
  SilentListener(const std::string& address, std::uint16_t port, int backlog = 200)
      : fd_(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(port);
    const int yes = 1;
    setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    EXPECT_EQ(inet_pton(AF_INET, address.c_str(), &where.sin_addr), 1);
    EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&where), sizeof where), 0) << address;
    EXPECT_EQ(listen(fd_, backlog), 0);
  }
  ~SilentListener() { close(fd_); }
  SilentListener(const SilentListener&) = delete;
  SilentListener& operator=(const SilentListener&) = delete;

  // How many have connected since the last call.
  int take_connections() {
    int count = 0;
    for (int connection = 0; (connection = accept(fd_, nullptr, nullptr)) >= 0; ++count) close(connection);
    return count;
  }

 private:
  int fd_;
};

// Nobody takes a connection from its full queue, so that the kernel drops whatever asks for another one.
class DeadHost {
 public:
  DeadHost(const std::string& address, std::uint16_t port) : listener_(address, port, 0) {
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(port);
    EXPECT_EQ(inet_pton(AF_INET, address.c_str(), &where.sin_addr), 1);
    for (int& fd : queue_) {
      fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      connect(fd, reinterpret_cast<const sockaddr*>(&where), sizeof where);
    }
  }
  ~DeadHost() {
    for (const int fd : queue_) close(fd);
  }
  DeadHost(const DeadHost&) = delete;
  DeadHost& operator=(const DeadHost&) = delete;

 private:
  SilentListener listener_;
  std::array<int, 3> queue_{};
};

}  // namespace mtasts::test
