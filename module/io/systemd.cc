#include "module/io/systemd.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>

#include "core/ascii.h"

namespace mtasts {
namespace {

constexpr int kFirstSocket = 3;  // SD_LISTEN_FDS_START

// A service manager that stands still must not stop the loop for long.
constexpr timeval kSendTimeout{.tv_sec = 1, .tv_usec = 0};

std::optional<std::int64_t> number_in(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return std::nullopt;
  return ascii::number(text, std::numeric_limits<std::int64_t>::max());
}

bool is_listening_stream(int fd) {
  int type = 0;
  int listening = 0;
  socklen_t length = sizeof type;
  return ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_STREAM &&
         ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) == 0 && listening != 0;
}

// A number too great is no number of ours: descriptors end somewhere below.
int sockets_announced() {
  if (number_in("LISTEN_PID") != ::getpid()) return 0;
  return static_cast<int>(std::min<std::int64_t>(number_in("LISTEN_FDS").value_or(0), 1024));
}

}  // namespace

std::vector<HandedOver> sockets_from_systemd() {
  const int number = sockets_announced();
  const char* const names_text = std::getenv("LISTEN_FDNAMES");
  std::string names = names_text != nullptr ? names_text : "";
  for (const char* variable : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(variable);
  std::vector<HandedOver> sockets;
  for (int fd = kFirstSocket; fd < kFirstSocket + number; ++fd) {
    const std::size_t end = std::min(names.find(':'), names.size());
    const std::string name = names.substr(0, end);
    names.erase(0, end + 1);
    Descriptor socket(fd);
    if (!is_listening_stream(fd)) continue;
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
    sockets.push_back({std::move(socket), name});
  }
  return sockets;
}

std::optional<std::chrono::microseconds> watchdog_interval() {
  const auto interval = number_in("WATCHDOG_USEC");
  const bool other = std::getenv("WATCHDOG_PID") != nullptr && number_in("WATCHDOG_PID") != ::getpid();
  if (!interval || *interval == 0 || other) return std::nullopt;
  return std::chrono::microseconds(*interval);
}

Notifier::Notifier() {
  const char* socket = std::getenv("NOTIFY_SOCKET");
  if (socket != nullptr && (*socket == '/' || *socket == '@')) socket_ = socket;
}

void Notifier::reloading() const {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();  // CLOCK_MONOTONIC
  const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(microseconds));
}

void Notifier::status(std::string_view text) const {
  std::string line = "STATUS=" + std::string(text);
  std::ranges::replace(line, '\n', ' ');
  send(line);
}

void Notifier::send(const std::string& message) const {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_.empty() || socket_.size() >= sizeof address.sun_path) return;
  socket_.copy(address.sun_path, socket_.size());
  if (socket_.front() == '@') address.sun_path[0] = '\0';
  const Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &kSendTimeout, sizeof kSendTimeout);
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  ::sendto(socket.get(), message.data(), message.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address),
           length);
}

}  // namespace mtasts
