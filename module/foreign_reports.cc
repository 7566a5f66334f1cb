#include "module/foreign_reports.h"

#include <unistd.h>

#include <cstring>
#include <utility>

#include "module/helper/process.h"
#include "module/helper/session_fields.h"
#include "module/io/wall_clock.h"
#include "module/tlsrpt/datagram.h"
#include "module/tlsrpt/socket.h"

namespace mtasts {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr const char* kRequest = "1";
constexpr seconds kStartTimeout{1};
constexpr seconds kNoOtherStart{10};  // after one that failed
constexpr std::size_t kMaxPrepared = 10'000;

}  // namespace

ForeignReports::ForeignReports(const Config& config, Log& log, Life life)
    : config_(config),
      log_(log),
      life_(life),
      wishes_(config.cache_directory),
      prepared_(kMaxPrepared),
      losses_(life == Life::kShort ? config.cache_directory : "", log, config.tlsrpt_socket),
      process_(::getpid()) {}

ForeignReports::~ForeignReports() {
  be_own_process();
  flush();
  if (life_ == Life::kLong && !unsent_.empty()) losses_.add(TlsrptLosses::Why::kSlow, {}, unsent_.size());
}

void ForeignReports::be_own_process() {
  const pid_t own = ::getpid();
  if (std::exchange(process_, own) == own) return;
  unsent_.clear();
  helper_ = Descriptor();
}

void ForeignReports::report(const TlsSession& session) {
  if (!is_on()) return;
  be_own_process();
  const auto wish = wishes_.find(session.domain, now());
  if (!wish) return hand_session_to_helper(session, kReportRequest);
  if (wish->is_unknown) return losses_.add(TlsrptLosses::Why::kDns);
  if (!wish->record) return;
  if (!session.message.empty()) return hand_session_to_helper(session, kReportRequest);
  if (unsent_.size() == kMaxUnsent) return losses_.add(TlsrptLosses::Why::kSlow);
  unsent_.push_back(tlsrpt_datagram(session, *wish->record));
  flush();
  if (life_ == Life::kShort && !unsent_.empty()) losses_.add(TlsrptLosses::Why::kSlow);
}

void ForeignReports::flush() {
  while (!unsent_.empty()) {
    const int error = send_to_collector(config_.tlsrpt_socket, unsent_.front());
    if (is_busy_collector(error)) return;
    unsent_.pop_front();
    if (error != 0) losses_.add(TlsrptLosses::why(error), std::strerror(error));
  }
}

void ForeignReports::prepare(const TlsSession& session, Mode mode) {
  const bool is_enforced = mode == Mode::kEnforce;
  if (!is_on() || prepared_.find(session.domain.text()) != nullptr) return;
  prepared_.put(session.domain.text(), true, SteadyTime::max());
  be_own_process();
  const WallTime at = now();
  const auto wish = wishes_.find(session.domain, at);
  if (wish && wish->is_unknown) return is_enforced ? losses_.add(TlsrptLosses::Why::kDns) : void();
  if (wish && !wish->record) return;
  const bool all_listed = wish && at < wish->listed_until && wish->listed_by == number_of(unrefused(session));
  if (is_enforced && !all_listed) return hand_session_to_helper(session, kUnlistedRequest);
  if (!wish) hand_to_helper({kRequest, kLearnRequest, session.domain.text()});
}

void ForeignReports::hand_session_to_helper(const TlsSession& session, const char* kind) {
  if (!hand_to_helper(encode_session(session, {kRequest, kind}))) losses_.add(TlsrptLosses::Why::kNoHelper);
}

bool ForeignReports::hand_to_helper(const Fields& request) {
  const auto now = steady_clock::now();
  if (now - helper_started_ >= kHelperTakesSessions) helper_ = Descriptor();
  if (helper_ && send_frame(helper_.get(), request)) return true;
  if (now < no_start_until_) return false;
  auto started = start_helper(config_, LogTarget::kSyslog, now + kStartTimeout);
  helper_started_ = now;
  helper_ = started ? *std::move(started) : Descriptor();
  if (helper_ && send_frame(helper_.get(), request)) return true;
  no_start_until_ = steady_clock::now() + kNoOtherStart;
  log_.write(LogLevel::kDebug, LogLine("tlsrpt-helper-missing"));
  return false;
}

}  // namespace mtasts
