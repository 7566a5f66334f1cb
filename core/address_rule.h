// To which addresses a stranger's names may lead. A zone can point its policy host or MX host at any address; without
// this rule it could find out, from what this machine does next, which hosts and ports answer in the network here.
#pragma once

#include <string>
#include <vector>

#include "core/ip_address.h"
#include "core/result.h"

namespace mtasts {

class AddressRule {
 public:
  // `allow_private`: networks whose special addresses are the administrator's own and may be connected to. Error
  // kConfig.
  static Result<AddressRule> make(const std::vector<std::string>& allow_private);

  struct Sorted {
    std::vector<IpAddress> allowed;
    std::vector<IpAddress> refused;
  };
  // In their order; without what is no address.
  [[nodiscard]] Sorted sort(const std::vector<std::string>& addresses) const;

 private:
  [[nodiscard]] bool allows(const IpAddress& address) const;

  std::vector<IpNetwork> allowed_;
};

// One clause for the administrator.
std::string refusal(const IpAddress& address);

}  // namespace mtasts
