// The memory of this process that it shares with nobody, in KiB: what one process more costs.
#pragma once

#include <fstream>
#include <string>

inline long private_kib() {
  std::ifstream rollup("/proc/self/smaps_rollup");
  long total = 0;
  for (std::string line; std::getline(rollup, line);) {
    if (line.starts_with("Private_Clean:") || line.starts_with("Private_Dirty:"))
      total += std::stol(line.substr(line.find(':') + 1));
  }
  return total;
}
