// How many clients the limit on open descriptors leaves room for.
#pragma once

#include <cstddef>

#include "module/io/log.h"

namespace mtasts::server {

// Raises the soft limit of this process as far as `wanted` connections need it and the hard limit allows. Returns how
// many may be open: `wanted`, or fewer, so that descriptors are left for the store, lookups and the metrics however
// many clients connect. A policy that cannot be opened for want of a descriptor would not be applied.
std::size_t connections_possible(std::size_t wanted, Log& log);

}  // namespace mtasts::server
