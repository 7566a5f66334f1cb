// TLSRPT for a foreign or short-lived process, which has no event loop and asks DNS nothing: a session goes to the
// collector at once where it is cached that the domain wants reports, and to a lookup helper, which finds that out,
// where it is not. Nothing here waits for DNS, the collector or an answer of the helper. To start the helper takes
// milliseconds, at worst 1.2 s where its disk or the machine stands still; after a failure none is started for 10 s.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <deque>
#include <string>

#include "core/policy.h"
#include "core/time.h"
#include "module/config/config.h"
#include "module/helper/frames.h"
#include "module/io/descriptor.h"
#include "module/io/log.h"
#include "module/io/short_memory.h"
#include "module/tlsrpt/losses.h"
#include "module/tlsrpt/session.h"
#include "module/tlsrpt/wishes.h"

namespace mtasts {

// Everything passed to the constructor must outlive the object. One thread. After a fork the child tells its own
// sessions only: what waited belongs to its parent.
class ForeignReports {
 public:
  // A process of kShort life warns of each reason unless another process of the store has done so within the hour. It
  // may end without destructors: what the collector has no room for counts as lost at once, although it is tried again
  // with the next session. One of kLong life warns of each reason once an hour, whatever others do.
  enum class Life { kShort, kLong };

  ForeignReports(const Config& config, Log& log, Life life);
  // What the collector had no room for is tried once more; what it has no room for then is lost, and counted.
  ~ForeignReports();
  ForeignReports(const ForeignReports&) = delete;
  ForeignReports& operator=(const ForeignReports&) = delete;

  // False: `[tlsrpt] socket` is empty, and nothing is done here.
  [[nodiscard]] bool is_on() const { return !config_.tlsrpt_socket.empty(); }
  // A failure without a connection goes to a helper, which can write down for which message it was told.
  void report(const TlsSession& session);
  // Before a delivery under a policy. Has a helper find out whether reports are wanted, unless that is cached. Where
  // `mode` is enforce and they are, has it report MX hosts that the policy does not list. Once for a domain: a
  // process makes one delivery.
  void prepare(const TlsSession& session, Mode mode);

 private:
  void be_own_process();
  void flush();
  // False: the helper does not get it.
  bool hand_to_helper(const Fields& request);
  void hand_session_to_helper(const TlsSession& session, const char* kind);

  const Config& config_;
  Log& log_;
  Life life_;
  ReportWishes wishes_;
  ShortMemory<bool> prepared_;  // domains
  TlsrptLosses losses_;
  pid_t process_;
  std::deque<std::string> unsent_;
  Descriptor helper_;  // the last one that was started; it takes more while it is young, and ends by itself
  SteadyTime helper_started_{};
  SteadyTime no_start_until_{};
};

}  // namespace mtasts
