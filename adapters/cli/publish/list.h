// The list of domains to publish policies for (TOML): its keys, what is allowed, their values.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/domain.h"
#include "core/ip_address.h"
#include "core/policy.h"
#include "core/result.h"

namespace mtasts::publish {

// One [[domain]], with what it takes from [defaults].
struct ListedDomain {
  Domain name;
  bool is_mx_auto = false;                  // mx = "auto": the live MX hosts are proposed, nothing is published
  std::vector<std::string> mx{};            // as Policy::mx, in the order of the list
  Mode mode = Mode::kEnforce;               // the aim
  std::chrono::seconds max_age{2'592'000};  // the aim
  std::optional<std::string> rua{};         // of _smtp._tls; nullopt and "": that record is not looked after
  std::vector<Domain> aliases{};            // delegated to `name` by CNAME
  std::optional<Domain> host{};             // where mta-sts.<name> points to; or
  std::vector<IpAddress> addresses{};       // its addresses; neither: the administrator looks after it
};

// Strict: an unknown key, a bad value, a domain that is named twice or contradictory settings are an error kConfig for
// the whole list, "PATH:LINE: KEY must be ...".
Result<std::vector<ListedDomain>> parse_list(std::string_view text, const std::string& path);
Result<std::vector<ListedDomain>> load_list(const std::string& path);

}  // namespace mtasts::publish
