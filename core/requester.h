// For whose sake something is asked of the network. What one zone has under way never fills all places.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace mtasts {

// The registrable domain of a domain, which is what one owner has.
using ZoneOf = std::function<std::string(const std::string& domain)>;

// Every name is a zone.
inline std::string own_zone(const std::string& domain) { return domain; }

enum class Priority {
  kFirstContact,  // mail waits, and what it waits for is not cached: the record, the policy
  // Mail waits to know whether DANE judges the MX hosts: of all of them, up to twenty a domain; or for the record of a
  // policy in force, and is answered without it before long.
  kDane,
  kOther,  // refreshes, trials of MX hosts
};

struct Requester {
  std::string domain{};  // the policy domain; its zone counts. Empty: the name that is asked for
  Priority priority = Priority::kOther;
  // How long a question may wait for its first turn, where that is less than others may.
  std::optional<std::chrono::milliseconds> turn_timeout{};
};

}  // namespace mtasts
