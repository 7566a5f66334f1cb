// SHA-256, of policy files and of the page's script.
#pragma once

#include <string>
#include <string_view>

namespace mtasts::check {

// 64 hexadecimal digits in lower case.
std::string sha256_hex(std::string_view bytes);
// As a Content-Security-Policy has it.
std::string sha256_base64(std::string_view bytes);

}  // namespace mtasts::check
