// The wall clock.
#pragma once

#include "core/cache_entry.h"

namespace mtasts {

// Whole seconds.
Time now();

}  // namespace mtasts
