// FNV-1a: a number for a text, the same on every machine. Finds accidents and spreads names; it stops no forger.
#pragma once

#include <cstdint>
#include <string_view>

namespace mtasts {

constexpr std::uint32_t fnv1a_32(std::string_view text) {
  std::uint32_t hash = 2'166'136'261U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16'777'619U;
  return hash;
}

// `hash`: that of what goes before.
constexpr std::uint64_t fnv1a_64(std::string_view text, std::uint64_t hash = 14'695'981'039'346'656'037U) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1'099'511'628'211U;
  return hash;
}

}  // namespace mtasts
