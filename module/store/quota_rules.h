// What the store may hold: [cache] max_entries, max_mb, max_per_domain, forget_s.
#pragma once

#include <chrono>
#include <cstdint>

namespace mtasts {

struct QuotaRules {
  std::int64_t entries = 1'000'000;
  std::int64_t bytes = std::int64_t{1} << 30U;  // on disk, in whole blocks
  // Of names below one registrable domain; they may take a 256th of the bytes.
  std::int64_t entries_per_domain = 1000;
  // A policy in force that was used on several days is replaced only when nobody used it for this long.
  std::chrono::seconds forget{2'592'000};
};

}  // namespace mtasts
