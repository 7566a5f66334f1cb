// Tells domains that ask for it what came of TLS sessions with their MX hosts: by way of tlsrpt-collectd, which makes
// daily reports of them (RFC 8460, R31-R33).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/cache_entry.h"
#include "core/ports.h"
#include "core/time.h"
#include "module/io/short_memory.h"
#include "module/store/policy_store.h"
#include "module/tlsrpt/session.h"
#include "module/tlsrpt/socket.h"
#include "module/tlsrpt/told_failures.h"
#include "module/tlsrpt/wishes.h"

namespace mtasts {

// Everything passed to the constructor must outlive the object, and the object what it has begun. One thread. Never
// waits for DNS or the collector: where one is too slow, sessions are lost, and that is a warning. What waits for DNS
// when the object ends is lost as well; what waits for the collector is not, as long as others have the socket.
class TlsReports {
 public:
  struct Deps {
    Resolver& resolver;
    FileStore& store;
    std::string store_directory;
    std::function<WallTime()> clock;
    std::function<SteadyTime()> steady_clock;
    std::size_t dns_places;  // how many questions the resolver asks at a time
  };

  TlsReports(const Deps& deps, std::shared_ptr<TlsrptSocket> socket);
  ~TlsReports();
  TlsReports(const TlsReports&) = delete;
  TlsReports& operator=(const TlsReports&) = delete;

  // Says so in the log when nobody takes sessions there; `kHourly`: once an hour, whichever process asks.
  enum class When { kNow, kHourly };
  void check_collector(When when);

  // One more session; a failure without a connection once for its message.
  void report(const TlsSession& session);
  // A trial of a host for mail to `domain`, which is under a policy in mode testing or enforce; other trials, and those
  // that RFC 8460 has no result type for, are not reported. It is told once, however often it is reported before
  // `until`.
  void report(const Domain& domain, const std::string& mx_host, const MxTrial& trial, SteadyTime until);
  // A delivery as without a policy, because of this failure; others are not reported. Told once for each process and
  // message; where neither is known, those of one minute are taken for one.
  void report_policy_failure(const Domain& domain, const Error& failure, const Delivery& delivery);
  // `session`: as of a connection under an enforced policy, without a host. Where the domain wants reports, each of its
  // MX hosts that the patterns do not match and DANE does not judge is a session that failed: nobody connects to it
  // (RFC 8461 §4.1).
  void report_unlisted(const TlsSession& session);
  // The same once for each process and message, as above.
  void report_unlisted_once(TlsSession session, const Delivery& delivery);
  // Finds out whether reports are wanted, so that later sessions need not wait for it.
  void learn(const Domain& domain);

  [[nodiscard]] bool is_asking() const { return !waiting_.empty() || mx_asked_ != 0; }
  // Nor does anything wait for the collector.
  [[nodiscard]] bool is_idle() const { return !is_asking() && socket_->is_empty(); }
  // Called each time that nothing is asked for any more, and then that everything has been sent. For one object of a
  // socket.
  void on_idle(std::function<void()> idle);

 private:
  // The domain's record, if it asks for reports. Error: DNS could not say or, is_ours(), could not be asked.
  using Wanted = Result<std::optional<std::string>>;

  [[nodiscard]] bool is_told(const std::string& name, SteadyTime until);
  [[nodiscard]] bool is_told(const Domain& domain, const char* what, const Delivery& delivery);
  [[nodiscard]] bool is_told(const TlsSession& failure);
  [[nodiscard]] std::function<void()> forgets(const TlsSession& failure) const;
  [[nodiscard]] std::optional<Wanted> known(const Domain& domain);
  void ask(const Domain& domain, std::vector<TlsSession> sessions);
  void learnt(const Domain& domain, const Result<DnsAnswer<std::string>>& answer);
  void answered(const Domain& domain, const Result<DnsAnswer<std::string>>& answer);
  void send(const TlsSession& session, const Wanted& wanted);
  void report_unlisted(TlsSession session, const Result<DnsAnswer<MxRecord>>& answer);

  Deps deps_;
  std::size_t most_asked_;  // domains, at a time
  std::shared_ptr<TlsrptSocket> socket_;
  ReportWishes wishes_;
  ToldFailures told_failures_;
  ShortMemory<bool> told_;      // "domain host"
  ShortMemory<Wanted> wanted_;  // before wishes_, which cannot be written everywhere
  std::unordered_map<std::string, std::vector<TlsSession>> waiting_;  // for DNS, by domain
  std::size_t mx_asked_ = 0;                                          // questions for MX records
  std::function<void()> idle_;
};

}  // namespace mtasts
