// The MX hosts of a run: each is looked at once, whatever the number of domains that name it.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "adapters/cli/check/facts.h"
#include "core/inspection.h"
#include "core/ports.h"

namespace mtasts::check {

inline constexpr std::size_t kMaxMxAddresses = 8;  // of one host
// Beyond that the first ones are forgotten, and looked at again if they are named again: about 2 KiB each.
inline constexpr std::size_t kMaxKnownMxHosts = 20'000;

// One thread. What is passed in must outlive it.
class MxHosts {
 public:
  using Done = std::function<void(const MxFact&)>;  // `preference` is not filled in

  MxHosts(Resolver& resolver, HostInspector& inspector) : resolver_(resolver), inspector_(inspector) {}
  // `host` in lower case, without trailing dot. `done` is called once: in this call where the host is known.
  void look(const std::string& host, const Done& done);

 private:
  class Look;
  struct Known {
    bool is_complete = false;
    MxFact fact{};
    std::vector<Done> waiting{};
  };
  void complete(MxFact fact);

  Resolver& resolver_;
  HostInspector& inspector_;
  std::map<std::string, Known> known_;
  std::deque<std::string> in_order_;  // of completion
};

}  // namespace mtasts::check
