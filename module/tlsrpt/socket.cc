#include "module/tlsrpt/socket.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <utility>

namespace mtasts {
namespace {

using Why = TlsrptLosses::Why;

// The kernel holds ten datagrams for a collector that is busy; a mail to many domains can be more than that.
constexpr std::chrono::milliseconds kSoon{100};

// 0, or errno. A socket for each datagram: whoever restarts the collector has to tell nobody.
int on_a_socket(const std::string& path, int (*action)(int fd, const sockaddr_un& address, const std::string& datagram),
                const std::string& datagram) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return errno;
  const int error = action(fd, address, datagram) < 0 ? errno : 0;
  ::close(fd);
  return error;
}

int reach(int fd, const sockaddr_un& address, const std::string& /*datagram*/) {
  return ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
}

int put(int fd, const sockaddr_un& address, const std::string& datagram) {
  const auto* name = reinterpret_cast<const sockaddr*>(&address);
  return ::sendto(fd, datagram.data(), datagram.size(), MSG_NOSIGNAL, name, sizeof(address)) < 0 ? -1 : 0;
}

}  // namespace

int send_to_collector(const std::string& path, const std::string& datagram) {
  return on_a_socket(path, &put, datagram);
}

int reach_collector(const std::string& path) { return on_a_socket(path, &reach, {}); }

bool is_busy_collector(int error) { return error == EAGAIN || error == ENOBUFS; }

TlsrptSocket::TlsrptSocket(EventLoop& loop, Log& log, std::string store, std::string path)
    : loop_(loop), log_(log), path_(std::move(path)), losses_(std::move(store), log, path_) {}

void TlsrptSocket::check() {
  const int error = reach_collector(path_);
  is_cut_off_ = error != 0;
  if (is_cut_off_) losses_.warn(TlsrptLosses::why(error), error);
}

TlsrptSocket::~TlsrptSocket() {
  if (!unsent_.empty()) losses_.add(Why::kSlow, 0, unsent_.size());
}

void TlsrptSocket::send(std::string datagram) {
  if (unsent_.size() == kMaxUnsent) return lose(Why::kSlow);
  unsent_.push_back(std::move(datagram));
  if (!again_) flush();
}

void TlsrptSocket::flush() {
  while (!unsent_.empty()) {
    const int error = send_to_collector(path_, unsent_.front());
    if (is_busy_collector(error)) {
      again_ = loop_.after(kSoon, [this] {
        again_.reset();
        flush();
      });
      return;
    }
    unsent_.pop_front();
    note(error);
  }
  if (empty_) empty_();
}

void TlsrptSocket::note(int error) {
  if (error == 0) ++sent_;
  if (error == 0 && is_cut_off_) log_.write(LogLevel::kInfo, LogLine("tlsrpt-reached").field("socket", path_));
  const Why why = TlsrptLosses::why(error);
  if (error != 0) losses_.add(why, error);
  if (why != Why::kTooLarge) is_cut_off_ = error != 0;  // that one lies with the datagram
}

}  // namespace mtasts
