#include "module/tlsrpt/socket.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

namespace mtasts {
namespace {

using Why = TlsrptLosses::Why;

// The kernel holds ten datagrams for a collector that is busy (512 where systemd has raised net.unix.max_dgram_qlen); a
// mail to many domains can be more than that. tlsrpt-collectd takes several hundred a second: with ten each tenth of
// a second it would sit idle while sessions are lost. Each further try that it takes nothing at waits twice as long: it
// may hang for days.
constexpr std::chrono::milliseconds kShortestPause{10};
constexpr std::chrono::milliseconds kLongestPause{1000};
constexpr std::size_t kMaxDeliveries = 10'000;
// By then the stamp of the warning before is old, whose time can be a moment ahead of the clock.
constexpr std::chrono::seconds kNextWarning = std::chrono::hours(1) + std::chrono::seconds(2);

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

TlsrptSocket::TlsrptSocket(const Deps& deps, std::string store, std::string path)
    : deps_(deps),
      store_(std::move(store)),
      path_(std::move(path)),
      losses_(store_, deps.log, path_),
      pause_(kShortestPause),
      deliveries_(kMaxDeliveries) {}

std::shared_ptr<TlsrptSocket> TlsrptSocket::keep(std::shared_ptr<TlsrptSocket> kept, const Deps& deps,
                                                 const std::string& store, const std::string& path) {
  if (path.empty()) return nullptr;
  if (kept && kept->store_ == store && kept->path_ == path) return kept;
  return std::make_shared<TlsrptSocket>(deps, store, path);
}

void TlsrptSocket::check() {
  const int error = reach_collector(path_);
  is_cut_off_ = error != 0;
  if (is_cut_off_) losses_.warn(TlsrptLosses::why(error), std::strerror(error));
}

void TlsrptSocket::remind() {
  const int error = reach_collector(path_);
  is_cut_off_ = error != 0;
  if (is_cut_off_) losses_.add(TlsrptLosses::why(error), std::strerror(error), 0);
}

TlsrptSocket::~TlsrptSocket() {
  if (send_all()) return;
  lose(Why::kSlow, {}, unsent_.size());
  for (const Datagram& one : unsent_)
    if (one.lost) one.lost();
}

void TlsrptSocket::lose(Why why, const std::string& detail, std::uint64_t count) {
  deps_.counts.lost += count;
  losses_.add(why, detail, count);
  warn_later();
}

// What is lost within the hour is told when it is over, also where nothing is lost any more.
void TlsrptSocket::warn_later() {
  if (warning_ || !losses_.has_unsaid()) return;
  warning_ = deps_.loop.after(kNextWarning, [this] {
    warning_.reset();
    losses_.warn_of_unsaid();
    warn_later();
  });
}

// Before anything is lost the collector is tried: it may have room since the last try.
void TlsrptSocket::send(std::string text, std::function<void()> lost) {
  const bool is_full = unsent_.size() == kMaxUnsent;
  if (is_full) static_cast<void>(send_all());
  if (unsent_.size() == kMaxUnsent) {
    lose(Why::kSlow);
    return lost ? lost() : void();
  }
  unsent_.push_back({std::move(text), std::move(lost)});
  if (is_full || !again_) flush();
}

void TlsrptSocket::flush() {
  if (send_all()) {
    again_.reset();
    return empty_ ? empty_() : void();
  }
  again_ = deps_.loop.after(pause_, [this] {
    again_.reset();
    flush();
  });
  pause_ = std::min(2 * pause_, kLongestPause);
}

// False: the collector has no room for the rest.
bool TlsrptSocket::send_all() {
  while (!unsent_.empty()) {
    const int error = send_to_collector(path_, unsent_.front().text);
    if (is_busy_collector(error)) return false;
    const auto lost = std::move(unsent_.front().lost);
    unsent_.pop_front();
    pause_ = kShortestPause;
    note(error);
    if (error != 0 && lost) lost();
  }
  return true;
}

void TlsrptSocket::note(int error) {
  if (error == 0) ++deps_.counts.sent;
  if (error == 0 && is_cut_off_) deps_.log.write(LogLevel::kInfo, LogLine("tlsrpt-reached").field("socket", path_));
  const Why why = TlsrptLosses::why(error);
  if (error != 0) lose(why, std::strerror(error));
  if (why != Why::kTooLarge) is_cut_off_ = error != 0;  // that one lies with the datagram
}

}  // namespace mtasts
