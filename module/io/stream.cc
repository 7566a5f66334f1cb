#include "module/io/stream.h"

#include <sys/socket.h>

#include <cerrno>

namespace mtasts {
namespace {

ssize_t receive_once(int socket, std::span<char> buffer, int flags) {
  for (;;) {
    const auto got = ::recv(socket, buffer.data(), buffer.size(), flags);
    if (got >= 0 || errno != EINTR) return got;
  }
}

ssize_t send_once(int socket, std::string_view bytes, int flags) {
  for (;;) {
    const auto sent = ::send(socket, bytes.data(), bytes.size(), flags | MSG_NOSIGNAL);
    if (sent >= 0 || errno != EINTR) return sent;
  }
}

}  // namespace

std::optional<std::string_view> receive_now(int socket, std::span<char> buffer) {
  const auto got = receive_once(socket, buffer, MSG_DONTWAIT);
  if (got < 0 && errno == EAGAIN) return std::nullopt;
  return std::string_view(buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
}

std::string_view receive_some(int socket, std::span<char> buffer) {
  const auto got = receive_once(socket, buffer, 0);
  return {buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
}

bool send_now(int socket, std::string& bytes) {
  std::size_t done = 0;
  bool is_open = true;
  while (done < bytes.size()) {
    const auto sent = send_once(socket, std::string_view(bytes).substr(done), MSG_DONTWAIT);
    if (sent < 0) {
      is_open = errno == EAGAIN;
      break;
    }
    done += static_cast<std::size_t>(sent);
  }
  bytes.erase(0, done);
  return is_open;
}

bool send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = send_once(socket, bytes, 0);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

}  // namespace mtasts
