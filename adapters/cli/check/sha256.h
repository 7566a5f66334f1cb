// SHA-256 of the exact bytes of a policy file.
#pragma once

#include <string>
#include <string_view>

namespace mtasts::check {

// 64 hexadecimal digits in lower case.
std::string sha256_hex(std::string_view bytes);

}  // namespace mtasts::check
