// Whether MX hosts would pass (R25), found out in the background and remembered for minutes: smtpd tries only the host
// that it is named, and comes back after minutes when that one fails.
#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/ports.h"
#include "module/log.h"

namespace mtasts::opensmtpd {

// Everything passed to the constructor must outlive the object. One thread.
class Probes {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Clock = std::function<Time()>;

  Probes(Resolver& resolver, MxProber& prober, Log& log, Clock clock)
      : resolver_(resolver), prober_(prober), log_(log), clock_(std::move(clock)) {}

  // What is known of `host`; nullptr: nothing, or no longer. Until the next call of probe().
  const Result<void>* known(const std::string& host);
  // Did `host` fail when it was last tried, however long ago? For who cannot wait for a new trial.
  [[nodiscard]] bool failed_last(const std::string& host) const;
  // Finds it out, once for all who ask meanwhile; `done` is called from the loop when it is known.
  void probe(const std::string& host, std::function<void()> done);

 private:
  struct Finding {
    std::string host;
    Result<void> result;
    Time until;
  };
  using Findings = std::list<Finding>;

  void ended(const std::string& host, const Result<void>& result);

  Resolver& resolver_;
  MxProber& prober_;
  Log& log_;
  Clock clock_;
  Findings findings_;  // the oldest first
  std::unordered_map<std::string, Findings::iterator> by_host_;
  std::unordered_map<std::string, std::vector<std::function<void()>>> waiting_;
};

}  // namespace mtasts::opensmtpd
