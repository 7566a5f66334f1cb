// How `mtasts ping` tells mtastsd from other servers, which may use the same port.
#pragma once

#include <string_view>

namespace mtasts {

// The payload of the request and of mtastsd's answer to it. No other socketmap server has such a map.
inline constexpr std::string_view kPingRequest = "mtasts-ping version";
inline constexpr std::string_view kEximPingRequest = "ping";  // a line, for the socket that Exim asks
inline constexpr std::string_view kPingAnswer = "OK mtasts " MTASTS_VERSION;

}  // namespace mtasts
