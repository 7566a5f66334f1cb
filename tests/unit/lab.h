// What tests/lab/loopback.py tells the tests that it runs.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

namespace mtasts::test {

// "MTASTS_LAB_" + `name`. Without the lab nothing of the calling test makes sense.
inline std::string lab(const std::string& name) {
  const char* value = std::getenv(("MTASTS_LAB_" + name).c_str());
  if (value != nullptr) return value;
  std::fprintf(stderr, "MTASTS_LAB_%s is not set: run this inside tests/lab/loopback.py -- ...\n", name.c_str());
  std::exit(1);
}

inline bool lab_has_ipv6() { return lab("IPV6") == "1"; }

}  // namespace mtasts::test
