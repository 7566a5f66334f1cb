// What the authoritative servers of a name's zone say of it, each by itself: a resolver shows the answer of one of
// them, and an attacker or a half-done change is on another.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "adapters/cli/check/facts.h"
#include "core/inspection.h"
#include "core/ports.h"

namespace mtasts::check {

inline constexpr std::size_t kMaxServerNames = 13;
inline constexpr std::size_t kMaxServerAddresses = 24;

struct Dns {
  Resolver& resolver;
  ServerQuestions& servers;
};

// The names of the servers of the zone that `name` is in: the first name upwards that has NS records of its own. Empty
// where that cannot be found out.
void find_zone_servers(Resolver& resolver, const std::string& name, std::function<void(std::vector<std::string>)> done);

// One fact for each address of each server, in the order of the servers' names. `type`: kCname where the resolver found
// a CNAME at the name, otherwise kTxt. Asks whoever is authoritative; `done` is called once, from the loop.
void compare_servers(Dns dns, const std::string& name, ServerQuestions::Type type,
                     std::function<void(std::vector<NameserverFact>)> done);

}  // namespace mtasts::check
