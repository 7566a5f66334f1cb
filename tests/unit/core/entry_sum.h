// Makes the sum of a changed cache entry right again, as whoever wanted to deceive the parser would.
#pragma once

#include <cstdint>
#include <string>

namespace mtasts::test {

// Bytes without a whole sum line come back as they are.
inline std::string with_right_sum(std::string bytes) {
  constexpr std::size_t kKey = 5;  // "sum: "
  constexpr std::size_t kDigits = 16;
  const std::size_t line = bytes.find("\nsum: ") + 1;
  const std::size_t end = line + kKey + kDigits;
  if (line == 0 || end >= bytes.size() || bytes[end] != '\n') return bytes;
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i >= line && i <= end) continue;
    hash = (hash ^ static_cast<unsigned char>(bytes[i])) * 0x100000001b3U;
  }
  for (std::size_t i = end; i-- > line + kKey; hash >>= 4U) bytes[i] = "0123456789abcdef"[hash & 0xfU];
  return bytes;
}

}  // namespace mtasts::test
