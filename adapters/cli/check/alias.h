// Where a name leads to by CNAME, asked for name by name: a resolver that follows a circle itself says SERVFAIL, and
// one that ends nowhere looks like any name that is not there.
#pragma once

#include <functional>
#include <string>

#include "adapters/cli/check/facts.h"
#include "core/ports.h"

namespace mtasts::check {

// `done` is called once, from the loop; never when the resolver is destroyed first. Where DNS gives no answer on the
// way the chain ends: whoever asked for the records themselves has the failure.
void follow_alias(Resolver& resolver, const std::string& name, std::function<void(AliasFact)> done);

}  // namespace mtasts::check
