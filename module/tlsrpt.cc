#include "module/tlsrpt.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "core/tlsrpt_record.h"

namespace mtasts {
namespace {

constexpr std::size_t kMostWaiting = 200;  // each with its policy, of up to 64 KiB

// 0, or errno. A socket for each datagram: whoever restarts the collector has to tell nobody.
int send_to(const std::string& path, const std::string& datagram) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  const auto sent = ::sendto(fd, datagram.data(), datagram.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                             reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  const int error = sent < 0 ? errno : 0;
  ::close(fd);
  return error;
}

}  // namespace

void TlsReports::report(const TlsSession& session) {
  if (!is_reported(session)) return;
  if (waiting_ == kMostWaiting) return lose("too many sessions wait for DNS", "check the resolver");
  ++waiting_;
  resolver_.txt("_smtp._tls." + session.domain.text(), [this, session](const Result<DnsAnswer<std::string>>& answer) {
    --waiting_;
    if (!answer) return;  // nobody knows whether it is wanted
    if (const auto record = tlsrpt_record(answer->records)) send(tlsrpt_datagram(session, *record));
  });
}

void TlsReports::send(const std::string& datagram) {
  if (const int error = send_to(socket_, datagram); error != 0)
    lose(std::strerror(error), "is tlsrpt-collectd running, and may this program's user write to its socket?");
}

void TlsReports::lose(const std::string& detail, const std::string& action) {
  if (!store_.due("tlsrpt-lost", std::chrono::hours(1))) return;
  log_.write(LogLevel::kWarning, "event=tlsrpt-lost socket=" + socket_ + " detail=" + quoted(detail) +
                                     " effect=\"sessions are not reported\" action=" + quoted(action));
}

}  // namespace mtasts
