// Says what the facts of a domain mean: findings and their impact. Pure.
#pragma once

#include <chrono>
#include <set>
#include <string>

#include "adapters/cli/check/facts.h"
#include "adapters/cli/check/report.h"
#include "adapters/cli/check/saved.h"

namespace mtasts::check {

struct Wishes {
  bool require_enforce = false;                  // testing and none become warnings
  std::chrono::days expiring_under{14};          // a certificate with fewer days left is about to expire
  std::set<std::string, std::less<>> ignored{};  // codes
};

// `saved`: what an earlier check saw of the domain, or nullptr.
Report judge(Facts facts, const Saved* saved, const Wishes& wishes);

}  // namespace mtasts::check
