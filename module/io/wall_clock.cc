#include "module/io/wall_clock.h"

namespace mtasts {

WallTime now() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }

}  // namespace mtasts
