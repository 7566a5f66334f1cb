// What the fuzzers share: the entry point, and how an invariant is stated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace mtasts::fuzz {

inline std::string_view text(const std::uint8_t* data, std::size_t size) {
  return size == 0 ? std::string_view{} : std::string_view{reinterpret_cast<const char*>(data), size};
}

// TXT records; the byte 0xff stands between two.
inline std::vector<std::string> records(std::string_view text) {
  std::vector<std::string> result;
  for (;;) {
    const std::size_t end = text.find('\xff');
    result.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return result;
    text.remove_prefix(end + 1);
  }
}

// Stops with a core where `holds` is false, in every kind of build.
inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

// One line that a log can take as it is.
inline bool is_one_line(std::string_view detail) {
  for (const char c : detail) {
    if (c < 0x20 || c == 0x7f) return false;
  }
  return !detail.empty();
}

}  // namespace mtasts::fuzz
