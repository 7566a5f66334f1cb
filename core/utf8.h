// Is a text UTF-8 (RFC 3629)?
#pragma once

#include <string_view>

namespace mtasts {

// False for overlong forms, surrogates and code points beyond U+10FFFF.
bool is_utf8(std::string_view text);

}  // namespace mtasts
