// What tlsrpt-collectd takes: a datagram of JSON for each session (the form that libtlsrpt 0.5 gives it).
#pragma once

#include <string>

#include "module/tlsrpt/session.h"

namespace mtasts {

// `record`: of _smtp._tls.<domain>.
std::string tlsrpt_datagram(const TlsSession& session, const std::string& record);

}  // namespace mtasts
