// The authorities that fetches and probes trust where the configuration names none: Debian's ca-certificates.
#pragma once

namespace mtasts {

inline constexpr const char* kCaFile = "/etc/ssl/certs/ca-certificates.crt";

}  // namespace mtasts
