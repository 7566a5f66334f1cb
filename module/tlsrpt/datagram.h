// What tlsrpt-collectd takes: a datagram of JSON for each session (the form that libtlsrpt 0.5 gives it).
#pragma once

#include <string>

#include "core/cache_entry.h"
#include "core/ports.h"

namespace mtasts {

// A session for mail to a domain, under its policy (R32).
struct TlsSession {
  Domain domain;
  StoredPolicy policy;
  std::string mx_host;
  MxTrial trial;
};

// Is it a session that RFC 8460 counts: TLS was agreed on, or it failed for a reason that has a result type?
bool is_reported(const MxTrial& trial);

// `record`: of _smtp._tls.<domain>. The trial must be one that is reported.
std::string tlsrpt_datagram(const TlsSession& session, const std::string& record);

}  // namespace mtasts
