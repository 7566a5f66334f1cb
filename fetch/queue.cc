#include "fetch/queue.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>

namespace mtasts {
namespace {

constexpr std::size_t kNetworkOctets = 8;  // a /64, what one customer gets
// The /96 below which an IPv6 address is an IPv4 one: mapped (RFC 4291 §2.5.5.2), NAT64 (RFC 6052 §2.1).
constexpr std::array<std::array<unsigned char, 12>, 2> kIpv4Inside{
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, {0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0}}};

std::string octets(const unsigned char* first, std::size_t count) { return {first, first + count}; }

}  // namespace

std::string network_of(const std::vector<std::string>& addresses) {
  if (addresses.empty()) return {};
  std::array<unsigned char, sizeof(in6_addr)> raw{};
  if (inet_pton(AF_INET, addresses.front().c_str(), raw.data()) == 1) return octets(raw.data(), sizeof(in_addr));
  if (inet_pton(AF_INET6, addresses.front().c_str(), raw.data()) != 1) return {};
  for (const auto& prefix : kIpv4Inside)
    if (std::equal(prefix.begin(), prefix.end(), raw.begin()))
      return octets(raw.data() + prefix.size(), sizeof(in_addr));
  return octets(raw.data(), kNetworkOctets);
}

FetchQueue::Ticket FetchQueue::join(const std::string& network, Time now) {
  const Ticket ticket = ++last_;
  waiting_.emplace(ticket, Waiting{network, now});
  networks_[network].waiting.push_back(ticket);
  settle(network);
  return ticket;
}

std::optional<FetchQueue::Ticket> FetchQueue::next() {
  if (!has_next()) return std::nullopt;
  const std::string name = waiting_.at(*heads_.begin()).network;
  const Ticket ticket = take_first_of(name);
  under_way_.emplace(ticket, name);
  ++networks_[name].under_way;
  settle(name);
  return ticket;
}

void FetchQueue::leave(Ticket ticket) {
  const auto found = under_way_.find(ticket);
  if (found == under_way_.end()) return;
  const std::string name = std::move(found->second);
  under_way_.erase(found);
  --networks_[name].under_way;
  settle(name);
}

std::vector<FetchQueue::Ticket> FetchQueue::expire(Time now) {
  std::vector<Ticket> expired;
  while (!waiting_.empty() && waiting_.begin()->second.since + limits_.wait <= now) {
    // Who has waited longest of all has waited longest in his network.
    const std::string name = waiting_.begin()->second.network;
    expired.push_back(take_first_of(name));
    settle(name);
  }
  return expired;
}

std::optional<FetchQueue::Time> FetchQueue::next_expiry() const {
  if (waiting_.empty()) return std::nullopt;
  return waiting_.begin()->second.since + limits_.wait;
}

FetchQueue::Ticket FetchQueue::take_first_of(const std::string& name) {
  Network& network = networks_[name];
  const Ticket ticket = network.waiting.front();
  network.waiting.pop_front();
  waiting_.erase(ticket);
  heads_.erase(ticket);
  return ticket;
}

void FetchQueue::settle(const std::string& name) {
  const auto found = networks_.find(name);
  const Network& network = found->second;
  if (network.waiting.empty() && network.under_way == 0) {
    networks_.erase(found);
    return;
  }
  if (network.waiting.empty()) return;
  if (has_room(network))
    heads_.insert(network.waiting.front());
  else
    heads_.erase(network.waiting.front());
}

}  // namespace mtasts
