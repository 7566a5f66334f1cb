// What `mtasts config` says of the resolvers: which are asked, and whether their AD bit counts as the word of DNSSEC.
#pragma once

#include <string>
#include <vector>

#include "module/config/config.h"

namespace mtasts {

// One sentence for each resolver, in the order in which they are asked. Asks nobody.
std::vector<std::string> resolver_notes(const Config& config);

}  // namespace mtasts
