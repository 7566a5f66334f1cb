// Record ids that belong to one policy file: YYYYMMDDhhmmss (UTC), "h", 16 hexadecimal digits of the SHA-256 of its
// exact bytes. From outside it can be seen whether record and file belong together.
#pragma once

#include <string>
#include <string_view>

#include "core/time.h"

namespace mtasts::check {

std::string make_record_id(WallTime now, std::string_view body);

// Does `id` have this form at all?
bool carries_hash(std::string_view id);

// Only for an `id` that carries a hash.
bool is_id_of(std::string_view id, std::string_view body);

}  // namespace mtasts::check
