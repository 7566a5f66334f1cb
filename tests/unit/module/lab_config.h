// What tests/lab/loopback.py offers to a test, as a configuration. The tests that use it are run as
// `tests/lab/loopback.py -- ctest ...` (./dev test does).
#pragma once

#include <string>

#include "module/config/config.h"
#include "tests/unit/lab.h"

namespace mtasts {

// A configuration that asks the lab's resolver and policy hosts and caches in `store`.
inline Config lab_config(const std::string& store) {
  Config config;
  config.network.dns.resolvers = {test::lab("RESOLVER")};
  config.network.fetch.port = static_cast<std::uint16_t>(std::stoi(test::lab("POLICY_PORT")));
  config.network.fetch.allow_private = {"127.0.0.0/8", "::1"};
  config.network.fetch.ca_file = test::lab("CA");
  config.cache_directory = store;
  config.engine_directory = MTASTS_TEST_ENGINE_DIR;
  config.helper_program = MTASTS_TEST_ENGINE_DIR "/mtasts-lookup";
  config.user = "nobody";
  return config;
}

}  // namespace mtasts
