// SipHash-2-4 (Aumasson and Bernstein, 2012): a number for a text that nobody can foresee who does not know the key.
// For places that strangers must not choose.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace mtasts {

using SipKey = std::array<std::uint8_t, 16>;

std::uint64_t siphash(const SipKey& key, std::string_view text);

}  // namespace mtasts
