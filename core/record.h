// The TXT record at _mta-sts.<policy domain> (RFC 8461 §3.1, R4-R7).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace mtasts {

// What the TXT records of a name amount to. "Absent" and "invalid" both mean that there is no discoverable policy now
// (R5); they are told apart for the administrator.
struct RecordFinding {
  enum class Kind { kAbsent, kInvalid, kFound };
  Kind kind = Kind::kAbsent;
  std::string id;      // kFound: 1-32 letters or digits
  std::string reason;  // kInvalid: what is wrong, one sentence, escaped

  friend bool operator==(const RecordFinding&, const RecordFinding&) = default;
};

// The grammar of `id` (R6): 1-32 ASCII letters or digits.
bool is_record_id(std::string_view text);

// `texts`: one element a TXT RR, its character strings already joined (R4), any bytes.
RecordFinding read_record(const std::vector<std::string>& texts);

}  // namespace mtasts
