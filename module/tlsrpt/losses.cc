#include "module/tlsrpt/losses.h"

#include <cerrno>
#include <cstring>
#include <utility>

namespace mtasts {
namespace {

using Why = TlsrptLosses::Why;

struct Words {
  const char* name;
  const char* detail;
  const char* action;
};

Words words_of(Why why) {
  switch (why) {
    case Why::kNobody:
      return {"tlsrpt-nobody", "nobody listens there", "start tlsrpt-collectd, or fix tlsrpt.socket"};
    case Why::kForbidden:
      return {"tlsrpt-forbidden", "this program's user may not write there",
              "let it, by an access control list of the socket's folder: docs/tlsrpt.md"};
    case Why::kSlow:
      return {"tlsrpt-slow", "the collector does not keep up", "see what holds tlsrpt-collectd up"};
    case Why::kTooLarge:
      return {"tlsrpt-large", "a policy is too large for a datagram", "none"};
    case Why::kDns:
      return {"tlsrpt-dns", "name servers are slow to say whether their domains want reports", "none, if it goes by"};
    case Why::kNotAsked:
      return {"tlsrpt-not-asked", "whether domains want reports could not be asked for from here",
              "see dns-failure in the log; else none, if it goes by"};
    case Why::kNoHelper:
      return {"tlsrpt-helper", "the lookup helper, which finds out whether domains want reports, cannot be started",
              "see lookup-impossible in the log; else none, if it goes by"};
    case Why::kOther:
      return {"tlsrpt-other", "the system refuses it", "is that a datagram socket?"};
  }
  return {};
}

}  // namespace

TlsrptLosses::Why TlsrptLosses::why(int error) {
  if (error == ENOENT || error == ECONNREFUSED || error == ENOTDIR) return Why::kNobody;
  if (error == EACCES || error == EPERM) return Why::kForbidden;
  if (error == EAGAIN || error == ENOBUFS) return Why::kSlow;
  return error == EMSGSIZE ? Why::kTooLarge : Why::kOther;
}

void TlsrptLosses::add(Why why, int error, std::uint64_t count) {
  reason(why).unsaid += count;
  if (is_due(why)) warn(why, error);
}

bool TlsrptLosses::is_due(Why why) {
  const auto due = throttle_.due(words_of(why).name, std::chrono::hours(1));
  return due == SharedThrottle::Due::kCannotKeep ? reason(why).own_hour.is_due() : due == SharedThrottle::Due::kDue;
}

void TlsrptLosses::warn(Why why, int error) {
  const Words words = words_of(why);
  const auto lost = std::exchange(reason(why).unsaid, 0);
  const std::string detail = words.detail + (error != 0 ? std::string(": ") + std::strerror(error) : "");
  log_.write(LogLevel::kWarning, LogLine("tlsrpt-lost")
                                     .field("socket", path_)
                                     .text("detail", detail)
                                     .field("sessions", lost)
                                     .text("effect", "sessions are not reported")
                                     .text("action", words.action));
}

}  // namespace mtasts
