#include "tests/unit/module/faults.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <utility>

namespace mtasts {
namespace {

using Called = std::function<int(int)>;

Called& when_synced() {
  static Called called;
  return called;
}

Called& when_read() {
  static Called called;
  return called;
}

// The fault that is wanted now, in errno; false: none.
bool fails(const Called& called, int fd) {
  const int fault = called ? called(fd) : 0;
  if (fault != 0) errno = fault;
  return fault != 0;
}

time_t ahead = 0;  // read before main() begins, so no object that needs a constructor

}  // namespace

WhenSynced::WhenSynced(std::function<int(int)> called) { when_synced() = std::move(called); }
WhenSynced::~WhenSynced() { when_synced() = nullptr; }

WhenRead::WhenRead(std::function<int(int)> called) { when_read() = std::move(called); }
WhenRead::~WhenRead() { when_read() = nullptr; }

void advance_steady_clock(std::chrono::seconds by) { ahead += by.count(); }

}  // namespace mtasts

// The clock is read by the C++ library: what is hidden does not stand in front of anything there.
#define IN_FRONT extern "C" __attribute__((visibility("default")))

IN_FRONT int fsync(int fd) {
  return mtasts::fails(mtasts::when_synced(), fd) ? -1 : static_cast<int>(::syscall(SYS_fsync, fd));
}

IN_FRONT ssize_t read(int fd, void* bytes, size_t size) {
  return mtasts::fails(mtasts::when_read(), fd) ? -1 : ::syscall(SYS_read, fd, bytes, size);
}

IN_FRONT int clock_gettime(clockid_t clock, struct timespec* time) noexcept {
  const auto done = static_cast<int>(::syscall(SYS_clock_gettime, clock, time));
  if (done == 0 && clock == CLOCK_MONOTONIC) time->tv_sec += mtasts::ahead;
  return done;
}
