// Whose turn it is to fetch: first come, first served, but no more than so many at one address, so that an operator of
// many slow policy hosts cannot take every place. Pure: time is an argument, transfers are tickets.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace mtasts {

// What counts as one address: an IPv4 address, also one inside an IPv6 address (mapped, or NAT64's well-known prefix,
// behind which all of IPv4 would be one network), or the /64 of an IPv6 address. That of the first of `addresses`,
// which is the one that is tried first; "" when it is none.
std::string network_of(const std::vector<std::string>& addresses);

class FetchQueue {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Ticket = std::uint64_t;

  struct Limits {
    std::size_t under_way;    // at least 1, all in all
    std::size_t per_network;  // at least 1
    Time::duration wait;      // who has waited for so long is sent away
  };

  explicit FetchQueue(const Limits& limits) : limits_(limits) {}

  // `now` must not go back from call to call.
  Ticket join(const std::string& network, Time now);
  // The first whose turn it is; from now on he is under way until leave().
  std::optional<Ticket> next();
  [[nodiscard]] bool has_next() const { return under_way_.size() < limits_.under_way && !heads_.empty(); }
  void leave(Ticket ticket);
  // Those that have waited too long, in their order; they are gone with this.
  std::vector<Ticket> expire(Time now);
  // When expire() has something to do, as things stand.
  [[nodiscard]] std::optional<Time> next_expiry() const;

 private:
  struct Network {
    std::deque<Ticket> waiting;
    std::size_t under_way = 0;
  };
  struct Waiting {
    std::string network;
    Time since;
  };

  Ticket take_first_of(const std::string& name);
  // After every change of a network: is the first that waits there one of heads_, is it needed at all?
  void settle(const std::string& name);
  [[nodiscard]] bool has_room(const Network& network) const { return network.under_way < limits_.per_network; }

  Limits limits_;
  Ticket last_ = 0;
  std::map<std::string, Network> networks_;  // those with somebody waiting or under way
  std::map<Ticket, Waiting> waiting_;        // in the order of their coming
  std::map<Ticket, std::string> under_way_;  // and the network
  std::set<Ticket> heads_;                   // the first of each network that has room
};

}  // namespace mtasts
