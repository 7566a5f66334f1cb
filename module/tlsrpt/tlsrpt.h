// Tells domains that ask for it what came of TLS sessions with their MX hosts: by way of tlsrpt-collectd, which makes
// daily reports of them (RFC 8460, R31-R33).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/cache_entry.h"
#include "core/ports.h"
#include "core/time.h"
#include "module/io/log.h"
#include "module/io/short_memory.h"
#include "module/store/policy_store.h"
#include "module/tlsrpt/socket.h"

namespace mtasts {

// Everything passed to the constructor must outlive the object, and the object what it has begun. One thread.
class TlsReports {
 public:
  struct Deps {
    EventLoop& loop;
    Resolver& resolver;
    FileStore& store;
    Log& log;
    std::function<WallTime()> clock;
    std::function<SteadyTime()> steady_clock;
    std::size_t dns_places;  // how many questions the resolver asks at a time
  };

  // `socket`: the path of tlsrpt-collectd's datagram socket.
  TlsReports(const Deps& deps, const std::string& socket);

  // A session for mail to `domain`, which is under a policy in mode testing or enforce; other sessions, and those that
  // RFC 8460 has no result type for, are not reported. It is told once, however often it is reported before `until`.
  // Never waits for DNS or the collector: where one is too slow, sessions are lost, and that is a warning. What waits
  // for DNS when the object ends is lost as well.
  void report(const Domain& domain, const std::string& mx_host, const MxTrial& trial, SteadyTime until);

 private:
  struct Session {
    std::string mx_host;
    MxTrial trial;
  };
  // The domain's record, if it asks for reports.
  using Wanted = std::optional<std::string>;

  void ask(const Domain& domain, Session session);
  void answered(const Domain& domain, const Result<DnsAnswer<std::string>>& answer);
  void send(const Domain& domain, const Session& session, const Wanted& wanted);

  Deps deps_;
  std::size_t most_asked_;  // domains, at a time
  TlsrptSocket socket_;
  ShortMemory<bool> told_;  // "domain host"
  ShortMemory<Wanted> wanted_;
  std::unordered_map<std::string, std::vector<Session>> waiting_;  // for DNS, by domain
};

}  // namespace mtasts
