// A TLS session as fields of a frame (frames.h): from the process that had it to the helper that reports it.
#pragma once

#include <chrono>
#include <optional>

#include "module/helper/frames.h"
#include "module/tlsrpt/session.h"

namespace mtasts {

// A process that has many sessions at once starts one helper for them, and another one for those that come later.
inline constexpr std::chrono::seconds kHelperTakesSessions{10};

// Kinds of requests, in the place behind the id; nothing is answered.
inline constexpr const char* kReportRequest = "report";
// Asks whether a domain wants reports, and caches the answer; nothing is answered.
inline constexpr const char* kLearnRequest = "learn";

// The session is one of a connection under an enforced policy: MX hosts that it does not list are looked for and
// reported.
inline constexpr const char* kUnlistedRequest = "unlisted";

// `request`: its first two fields, which decode_session() skips.
Fields encode_session(const TlsSession& session, Fields request);
// What encode_session() wrote; nullopt for anything else.
std::optional<TlsSession> decode_session(const Fields& fields);

}  // namespace mtasts
