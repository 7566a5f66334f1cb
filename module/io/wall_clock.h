// The wall clock.
#pragma once

#include "core/time.h"

namespace mtasts {

// Whole seconds.
WallTime now();

}  // namespace mtasts
