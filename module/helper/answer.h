// The byte form in which the child hands its outcome back through the pipe. The parent is root and believes nothing:
// strict, bounded.
#pragma once

#include <string>
#include <string_view>

#include "core/lookup.h"
#include "core/result.h"

namespace mtasts {

inline constexpr std::size_t kMaxAnswerBytes = kMaxEntryBytes + 1024;

std::string encode_answer(const Result<Outcome>& answer);

// What encode_answer() wrote for `expected`; or the error that the child reported. Error kLocalFault when
// there are no bytes, because the child died; kInternal for any others.
Result<Outcome> parse_answer(std::string_view bytes, const Domain& expected);

}  // namespace mtasts
