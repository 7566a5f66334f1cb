#include "core/endpoint.h"

#include <algorithm>

#include "core/ascii.h"

namespace mtasts {

std::optional<std::uint16_t> parse_port(std::string_view digits) {
  const auto port = ascii::number(digits, 65'535);
  return port && *port > 0 ? std::optional(static_cast<std::uint16_t>(*port)) : std::nullopt;
}

std::optional<HostAndPort> split_port(std::string_view text) {
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    const HostAndPort found{text.substr(1, close - 1), true, std::nullopt};
    const auto rest = text.substr(close + 1);
    if (rest.empty()) return found;
    return rest.front() == ':' ? std::optional(HostAndPort{found.host, true, rest.substr(1)}) : std::nullopt;
  }
  if (std::ranges::count(text, ':') != 1) return HostAndPort{text, false, std::nullopt};
  const auto colon = text.find(':');
  return HostAndPort{text.substr(0, colon), false, text.substr(colon + 1)};
}

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
  const auto parts = split_port(text);
  if (!parts || !parts->port) return std::nullopt;
  const auto address = IpAddress::parse(parts->host);
  const auto port = parse_port(*parts->port);
  if (!address || !port || address->is_ipv4() == parts->in_brackets) return std::nullopt;
  return Endpoint{*address, *port};
}

}  // namespace mtasts
