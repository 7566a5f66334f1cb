// Short words for what the tests of core are about.
#pragma once

#include <string>
#include <string_view>

#include "core/cache_entry.h"
#include "core/domain.h"
#include "core/policy.h"

namespace mtasts::test {

inline Domain domain(std::string_view name = "example.com") { return Domain::parse(name).value(); }

inline constexpr WallTime kNow{std::chrono::seconds{1'764'000'000}};

// What policy_body() makes.
inline constexpr char kPolicy[] = "version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 604800\n";

inline std::string policy_body(std::string_view mode = "enforce", long max_age = 604'800,
                               std::string_view mx = "mx.example.com") {
  std::string body = "version: STSv1\nmode: " + std::string(mode) + "\n";
  if (!mx.empty()) body += "mx: " + std::string(mx) + "\n";
  return body + "max_age: " + std::to_string(max_age) + "\n";
}

inline StoredPolicy stored_policy(std::string id, WallTime fetched, std::string body = policy_body()) {
  Policy policy = parse_policy(body).value();
  return {std::move(id), fetched, std::move(body), std::move(policy)};
}

}  // namespace mtasts::test
