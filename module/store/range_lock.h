// A lock on a range of an open file (F_OFD_SETLK): of the open file, not of the process, so that two stores of one
// process exclude each other too. The kernel releases it when the process ends, however that is.
#pragma once

#include <sys/types.h>

#include <chrono>

namespace mtasts {

// `file` must stay open for as long as the lock lives.
class RangeLock {
 public:
  // Tries once, or again and again for `timeout`: nobody waits without end for a process that stands still.
  RangeLock(int file, off_t at, off_t length, std::chrono::milliseconds timeout = std::chrono::milliseconds(0));
  RangeLock(const RangeLock&) = delete;
  RangeLock& operator=(const RangeLock&) = delete;
  ~RangeLock();

  enum class State {
    kHeld,
    kTaken,   // by another
    kFailed,  // no locks here, such as on some network file systems
  };
  [[nodiscard]] State state() const { return state_; }

 private:
  State set(short type) const;

  int file_;
  off_t at_;
  off_t length_;
  State state_;
};

}  // namespace mtasts
