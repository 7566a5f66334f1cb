// The two clocks. What is kept across processes and restarts is told by the wall clock, which may be set; how long to
// wait, by the steady one. The types keep a time of one from being compared with a time of the other.
#pragma once

#include <chrono>
#include <cstdint>

namespace mtasts {

using WallTime = std::chrono::sys_seconds;
using SteadyTime = std::chrono::steady_clock::time_point;

// Seconds since the epoch, as files have them.
constexpr WallTime from_epoch(std::int64_t seconds) { return WallTime(std::chrono::seconds(seconds)); }

}  // namespace mtasts
