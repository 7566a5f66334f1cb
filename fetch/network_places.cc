#include "fetch/network_places.h"

#include <algorithm>
#include <limits>

namespace mtasts {
namespace {

constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

}  // namespace

std::vector<AdmissionQueue::Group> network_groups(const IpAddress& address, std::size_t max_per_address) {
  const IpAddress reached = address.embedded_ipv4().value_or(address);
  const auto group = [&](unsigned bits, std::size_t most) {
    return AdmissionQueue::Group{IpNetwork::around(reached, bits).text(), most};
  };
  if (reached.is_ipv4()) return {group(32, max_per_address), group(24, kNoLimit)};
  return {group(64, max_per_address), group(48, kNoLimit), group(32, kNoLimit)};
}

std::vector<AdmissionQueue::Group> network_groups(const std::vector<IpAddress>& addresses,
                                                  std::size_t max_per_address) {
  std::vector<AdmissionQueue::Group> groups;
  for (const auto& address : addresses)
    for (auto& group : network_groups(address, max_per_address))
      if (std::ranges::find(groups, group.name, &AdmissionQueue::Group::name) == groups.end())
        groups.push_back(std::move(group));
  return groups;
}

std::vector<IpAddress> first_of_families(const std::vector<IpAddress>& addresses) {
  std::vector<IpAddress> first;
  for (const bool is_ipv4 : {false, true})
    if (const auto found = std::ranges::find(addresses, is_ipv4, &IpAddress::is_ipv4); found != addresses.end())
      first.push_back(*found);
  return first;
}

bool NetworkPlaces::move_to(const IpAddress& address) {
  std::optional<IpAddress>& of_family = address.is_ipv4() ? ipv4_ : ipv6_;
  const std::optional<IpAddress>& of_other = address.is_ipv4() ? ipv6_ : ipv4_;
  std::vector<IpAddress> addresses{address};
  if (of_other) addresses.push_back(*of_other);
  if (!admission_.regroup(ticket_, network_groups(addresses, max_per_address_))) return false;
  of_family = address;
  return true;
}

}  // namespace mtasts
