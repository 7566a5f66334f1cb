// What was probably meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mtasts::cli {

// The one of `known` that `word` is most probably a misspelling of, by at most a third of its letters; "" if none is.
std::string closest(std::string_view word, const std::vector<std::string>& known);

}  // namespace mtasts::cli
