// The yardstick of ./dev bench socketmap: the least that a server of socketmap frames can do. One thread, one epoll
// loop; each complete netstring goes back as it came.
//
//     bench_socketmap_echo ADDRESS...
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <memory>

#include "tests/bench/socket_address.h"

namespace {

using mtasts::bench::checked;

struct Socket {
  int fd = -1;
  bool listens = false;
  std::size_t filled = 0;
  std::array<char, 4096> bytes;
};

void add(int poller, Socket* socket) {
  epoll_event event{.events = EPOLLIN, .data = {.ptr = socket}};
  checked(epoll_ctl(poller, EPOLL_CTL_ADD, socket->fd, &event), "epoll_ctl");
}

void listen_at(int poller, const std::string& text) {
  const auto address = mtasts::bench::socket_address(text);
  const int fd = checked(socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
  checked(bind(fd, &address.any, address.size), "bind");
  checked(listen(fd, SOMAXCONN), "listen");
  add(poller, new Socket{.fd = fd, .listens = true, .bytes = {}});
}

void take_connection(int poller, int listening) {
  const int fd = accept4(listening, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  mtasts::bench::send_at_once(fd);
  add(poller, new Socket{.fd = fd, .bytes = {}});
}

// How many of the bytes are complete netstrings; -1 when they are none.
long complete(const char* bytes, std::size_t count) {
  std::size_t end = 0;
  while (true) {
    std::size_t length = 0;
    std::size_t at = end;
    while (at < count && bytes[at] >= '0' && bytes[at] <= '9' && length < 4096) {
      length = 10 * length + static_cast<std::size_t>(bytes[at++] - '0');
    }
    if (at == count) return static_cast<long>(end);
    if (bytes[at] != ':') return -1;
    if (at + 1 + length >= count) return static_cast<long>(end);
    if (bytes[at + 1 + length] != ',') return -1;
    end = at + length + 2;
  }
}

// False when the connection is over.
bool answer(Socket& socket) {
  const ssize_t got = read(socket.fd, socket.bytes.data() + socket.filled, socket.bytes.size() - socket.filled);
  if (got <= 0) return false;
  socket.filled += static_cast<std::size_t>(got);
  const long end = complete(socket.bytes.data(), socket.filled);
  if (end < 0) return false;
  if (end == 0) return true;
  if (write(socket.fd, socket.bytes.data(), static_cast<std::size_t>(end)) != end) return false;
  socket.filled -= static_cast<std::size_t>(end);
  std::memmove(socket.bytes.data(), socket.bytes.data() + end, socket.filled);
  return true;
}

}  // namespace

int main(int argc, char* argv[]) {
  if (argc < 2) return 64;
  const int poller = checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  for (int i = 1; i < argc; ++i) listen_at(poller, argv[i]);
  std::array<epoll_event, 64> events;
  while (true) {
    const int ready = epoll_wait(poller, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < ready; ++i) {
      auto* socket = static_cast<Socket*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (socket->listens) {
        take_connection(poller, socket->fd);
      } else if (!answer(*socket)) {
        close(socket->fd);
        delete socket;
      }
    }
  }
}
