// How many connections go to one network at a time: an operator of many slow hosts has many addresses of a few
// networks, and any zone can point any number of names at someone else's address. What counts is where a connection is
// being made to, not what a zone lists.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "core/admission_queue.h"
#include "core/ip_address.h"
#include "fetch/admission.h"

namespace mtasts {

// The groups of a connection to this address. The address itself (IPv6: its /64, what one customer gets) has a limit;
// what is around it (/24; /48, what one site gets, and /32, what one provider gets) is limited by what is free. An
// IPv4 address in an IPv6 one counts as itself: all of IPv4 is one network behind NAT64.
std::vector<AdmissionQueue::Group> network_groups(const IpAddress& address, std::size_t max_per_address);

// The first address of each family in order: those that are tried first.
std::vector<IpAddress> first_of_families(const std::vector<IpAddress>& addresses);

// What one fetch or trial has: of each family the address that it connects to.
class NetworkPlaces {
 public:
  // `admission` must outlive it.
  NetworkPlaces(Admission& admission, Admission::Ticket ticket, std::size_t max_per_address)
      : admission_(admission), ticket_(ticket), max_per_address_(max_per_address) {}

  // From the last address of that family to this one. False: there is no room.
  bool move_to(const IpAddress& address);

 private:
  Admission& admission_;
  Admission::Ticket ticket_;
  std::size_t max_per_address_;
  std::optional<IpAddress> ipv4_;
  std::optional<IpAddress> ipv6_;
};

// The groups of all of them, each once.
std::vector<AdmissionQueue::Group> network_groups(const std::vector<IpAddress>& addresses, std::size_t max_per_address);

}  // namespace mtasts
