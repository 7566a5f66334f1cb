// The way to the network from a foreign process: fork, give up privileges, close what is not ours, load the engine,
// answer through a pipe (docs/adr/0002-child-process.md). The caller's process itself never loads getdns, curl or a TLS
// library.
#pragma once

#include "core/lookup.h"
#include "core/result.h"
#include "module/config.h"

namespace mtasts {

// Blocks until the answer or the deadline, whichever is first; a second of grace later the child is given up. After the
// deadline the child finishes the lookup by itself, saves it and exits; it never outlives the fetch limits and leaves
// no zombie. With root's rights the child becomes `config.user` for good. Signal dispositions, descriptors and the loop
// of the host are untouched. Error kLocalFault: the child could not be made, or died; the sentence says what to do.
Result<Outcome> lookup_in_child(const Config& config, const Domain& domain, Lookup::Effort effort,
                                std::chrono::milliseconds deadline);

// Gives up root's rights for good and becomes `user`; does nothing for anybody but root. Error kLocalFault: no such
// user.
Result<void> become_user(const std::string& user);

}  // namespace mtasts
