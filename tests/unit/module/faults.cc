#include "tests/unit/module/faults.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <utility>

namespace mtasts {
namespace {

std::function<int(int)>& when_synced() {
  static std::function<int(int)> called;
  return called;
}

time_t ahead = 0;  // read before main() begins, so no object that needs a constructor

}  // namespace

WhenSynced::WhenSynced(std::function<int(int)> called) { when_synced() = std::move(called); }
WhenSynced::~WhenSynced() { when_synced() = nullptr; }

void advance_steady_clock(std::chrono::seconds by) { ahead += by.count(); }

}  // namespace mtasts

// The clock is read by the C++ library: what is hidden does not stand in front of anything there.
#define IN_FRONT extern "C" __attribute__((visibility("default")))

IN_FRONT int fsync(int fd) {
  const auto& called = mtasts::when_synced();
  const int fault = called ? called(fd) : 0;
  if (fault == 0) return static_cast<int>(::syscall(SYS_fsync, fd));
  errno = fault;
  return -1;
}

IN_FRONT int clock_gettime(clockid_t clock, struct timespec* time) noexcept {
  const auto done = static_cast<int>(::syscall(SYS_clock_gettime, clock, time));
  if (done == 0 && clock == CLOCK_MONOTONIC) time->tv_sec += mtasts::ahead;
  return done;
}
