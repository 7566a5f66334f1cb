// The Content-Transfer-Encodings of mail (RFC 2045 §6), strict: what was damaged on the way is refused, not guessed.
#pragma once

#include <string>
#include <string_view>

#include "adapters/cli/report/refusal.h"

namespace mtasts::report {

// `encoding` as in the header field, in lower case; "" is 7bit.
Read<std::string> decode_transfer(std::string_view bytes, std::string_view encoding);

}  // namespace mtasts::report
