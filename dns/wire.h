// The frame of a DNS message as it came. getdns reads what it can of a damaged one and leaves the rest out, so that
// records that were cut off or cannot be named would look as if there were none (R20).
#pragma once

#include <string_view>

namespace mtasts {

// True when header, questions and records fill the message exactly as the header counts them, every name ends, points
// only backwards and is at most 255 octets long when unpacked (RFC 1035 §4.1). What the records hold is not looked at.
bool is_well_framed(std::string_view message);

}  // namespace mtasts
