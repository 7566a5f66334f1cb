#include "core/address_rule.h"

#include <algorithm>

namespace mtasts {

Result<AddressRule> AddressRule::make(const std::vector<std::string>& allow_private) {
  AddressRule rule;
  for (const auto& text : allow_private) {
    const auto network = IpNetwork::parse(text);
    if (!network) return tl::unexpected(network.error());
    rule.allowed_.push_back(*network);
  }
  return rule;
}

AddressRule::Sorted AddressRule::sort(const std::vector<std::string>& addresses) const {
  Sorted sorted;
  for (const auto& text : addresses)
    if (const auto address = IpAddress::parse(text))
      (allows(*address) ? sorted.allowed : sorted.refused).push_back(*address);
  return sorted;
}

bool AddressRule::allows(const IpAddress& address) const {
  if (!address.is_special()) return true;
  const IpAddress reached = address.embedded_ipv4().value_or(address);
  return std::ranges::any_of(
      allowed_, [&](const auto& network) { return network.contains(address) || network.contains(reached); });
}

std::string refusal(const IpAddress& address) {
  return address.text() +
         " is not a public address: refused; if the host is yours, add its network to fetch.allow_private in "
         "mtasts.toml";
}

}  // namespace mtasts
