// Unpacking of gzip (RFC 1952), bounded: what a file says of its size is not believed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "adapters/cli/report/refusal.h"

namespace mtasts::report {

// By its first two bytes.
bool is_gzip(std::string_view bytes);

// What was packed, at most `limit` bytes of it. Refused: more than that, a wrong checksum or length, a file that ends
// too early, and anything after the end, also a second gzip member.
Read<std::string> gunzip(std::string_view bytes, std::size_t limit);

}  // namespace mtasts::report
