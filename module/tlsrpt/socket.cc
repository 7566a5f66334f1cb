#include "module/tlsrpt/socket.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

namespace mtasts {
namespace {

using Loss = TlsrptSocket::Loss;

// The kernel holds ten datagrams for a collector that is busy; a mail to many domains can be more than that.
constexpr std::size_t kMaxUnsent = 200;
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

bool is_busy(int error) { return error == EAGAIN || error == ENOBUFS; }

Loss loss_of(int error) {
  if (error == ENOENT || error == ECONNREFUSED || error == ENOTDIR) return Loss::kNobody;
  if (error == EACCES || error == EPERM) return Loss::kForbidden;
  return error == EMSGSIZE ? Loss::kTooLarge : Loss::kOther;
}

struct Words {
  const char* stamp;
  const char* detail;
  const char* action;
};

Words words_of(Loss why) {
  switch (why) {
    case Loss::kNobody:
      return {"tlsrpt-nobody", "nobody listens there", "start tlsrpt-collectd, or fix tlsrpt.socket"};
    case Loss::kForbidden:
      return {"tlsrpt-forbidden", "this program's user may not write there",
              "see tlsrpt-collectd's --socketgroup and --socketmode"};
    case Loss::kSlow:
      return {"tlsrpt-slow", "the collector does not keep up", "see what holds tlsrpt-collectd up"};
    case Loss::kTooLarge:
      return {"tlsrpt-large", "a policy is too large for a datagram", "none"};
    case Loss::kDns:
      return {"tlsrpt-dns", "name servers are slow to say whether their domains want reports", "none, if it goes by"};
    case Loss::kOther:
      return {"tlsrpt-other", "the system refuses it", "is that a datagram socket?"};
  }
  return {};
}

}  // namespace

TlsrptSocket::TlsrptSocket(EventLoop& loop, SharedThrottle& throttle, Log& log, std::string path)
    : loop_(loop), throttle_(throttle), log_(log), path_(std::move(path)) {
  const int error = on_a_socket(path_, &reach, {});
  is_cut_off_ = error != 0;
  if (is_cut_off_) warn(loss_of(error), error);
}

TlsrptSocket::~TlsrptSocket() {
  if (!unsent_.empty()) lose(Loss::kSlow);
}

void TlsrptSocket::send(std::string datagram) {
  if (unsent_.size() == kMaxUnsent) return lose(Loss::kSlow);
  unsent_.push_back(std::move(datagram));
  if (!again_) flush();
}

void TlsrptSocket::flush() {
  while (!unsent_.empty()) {
    const int error = on_a_socket(path_, &put, unsent_.front());
    if (is_busy(error)) {
      again_ = loop_.after(kSoon, [this] {
        again_.reset();
        flush();
      });
      return;
    }
    unsent_.pop_front();
    note(error);
  }
}

void TlsrptSocket::note(int error) {
  if (error == 0 && is_cut_off_) log_.write(LogLevel::kInfo, LogLine("tlsrpt-reached").field("socket", path_));
  const Loss why = loss_of(error);
  if (error != 0) lose(why, error);
  if (why != Loss::kTooLarge) is_cut_off_ = error != 0;  // that one lies with the datagram
}

void TlsrptSocket::lose(Loss why, int error) {
  if (throttle_.is_due(words_of(why).stamp, std::chrono::hours(1))) warn(why, error);
}

void TlsrptSocket::warn(Loss why, int error) {
  const Words words = words_of(why);
  const std::string detail = words.detail + (error != 0 ? std::string(": ") + std::strerror(error) : "");
  log_.write(LogLevel::kWarning, LogLine("tlsrpt-lost")
                                     .field("socket", path_)
                                     .text("detail", detail)
                                     .text("effect", "sessions are not reported")
                                     .text("action", words.action));
}

}  // namespace mtasts
