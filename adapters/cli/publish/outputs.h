// The files below --out: zone lines, scripts for nsupdate, server blocks. Errors as in folders.h.
#pragma once

#include "adapters/cli/publish/plan.h"
#include "adapters/cli/publish/snippets.h"

namespace mtasts::publish {

// Nothing is to be written below it unless this says so. `out` may be "".
Result<void> check_output(const std::string& out);

// Writes what differs from what is there.
Result<void> write_zones(const std::string& out, const std::vector<ZonePlan>& zones);
Result<void> write_snippets(const std::string& out, const std::vector<Snippet>& snippets);

// Which of the domains, by their place in `snippets`, have no block, or another one, in one of the files.
Result<std::vector<std::size_t>> missing_blocks(const std::string& out, const std::vector<Snippet>& snippets);

}  // namespace mtasts::publish
