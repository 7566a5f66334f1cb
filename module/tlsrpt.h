// Hands sessions with MX hosts over to tlsrpt-collectd, which makes of them the daily reports that domains ask for
// (RFC 8460, R31-R33).
#pragma once

#include <string>

#include "core/ports.h"
#include "module/log.h"
#include "module/policy_store.h"
#include "module/tlsrpt_datagram.h"

namespace mtasts {

// Everything passed to the constructor must outlive the object, and the object what it has begun. One thread.
class TlsReports {
 public:
  // `socket`: the path of tlsrpt-collectd's datagram socket.
  TlsReports(Resolver& resolver, FileStore& store, Log& log, std::string socket)
      : resolver_(resolver), store_(store), log_(log), socket_(std::move(socket)) {}

  // Asks DNS whether the domain wants reports, and sends. Never waits for the collector: where it takes nothing, or DNS
  // is so slow that too many sessions wait for it, the session is not reported, and that is a warning once an hour.
  void report(const TlsSession& session);

 private:
  void send(const std::string& datagram);
  void lose(const std::string& detail, const std::string& action);

  Resolver& resolver_;
  FileStore& store_;
  Log& log_;
  std::string socket_;
  std::size_t waiting_ = 0;  // for DNS
};

}  // namespace mtasts
