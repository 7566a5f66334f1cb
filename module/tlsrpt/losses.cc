#include "module/tlsrpt/losses.h"

#include <algorithm>
#include <cerrno>
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
              "see detail, or lookup-impossible in the log; else none, if it goes by"};
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

TlsrptLosses::~TlsrptLosses() {
  for (std::size_t i = 0; i < kReasons; ++i)
    if (reasons_.at(i).unsaid > 0) leave_unsaid(static_cast<Why>(i));
}

void TlsrptLosses::add(Why why, const std::string& detail, std::uint64_t count) {
  reason(why).unsaid += count;
  reason(why).detail = detail;
  is_due(why) ? warn(why, detail) : leave_unsaid(why);
}

// At once: a process can end without a destructor.
void TlsrptLosses::leave_unsaid(Why why) {
  Reason& one = reason(why);
  one.is_open = true;
  if (tally_.add(words_of(why).name, one.unsaid)) one.unsaid = 0;
}

bool TlsrptLosses::has_unsaid() const { return std::ranges::any_of(reasons_, &Reason::is_open); }

// Another process may have said it meanwhile.
void TlsrptLosses::warn_of_unsaid() {
  for (std::size_t i = 0; i < kReasons; ++i) {
    const Why why = static_cast<Why>(i);
    Reason& one = reason(why);
    if (!std::exchange(one.is_open, false)) continue;
    one.unsaid += tally_.take(words_of(why).name);
    if (one.unsaid > 0) is_due(why) ? warn(why, one.detail) : leave_unsaid(why);
  }
}

bool TlsrptLosses::is_due(Why why) {
  const auto due = throttle_.due(words_of(why).name, std::chrono::hours(1));
  return due == SharedThrottle::Due::kCannotKeep ? reason(why).own_hour.is_due() : due == SharedThrottle::Due::kDue;
}

void TlsrptLosses::warn(Why why, const std::string& more) {
  const Words words = words_of(why);
  const auto lost = std::exchange(reason(why).unsaid, 0) + tally_.take(words.name);
  reason(why).is_open = false;
  const std::string detail = words.detail + (more.empty() ? "" : ": " + more);
  log_.write(LogLevel::kWarning, LogLine("tlsrpt-lost")
                                     .field("socket", path_)
                                     .text("detail", detail)
                                     .field("sessions", lost)
                                     .text("effect", "sessions are not reported")
                                     .text("action", words.action));
}

}  // namespace mtasts
