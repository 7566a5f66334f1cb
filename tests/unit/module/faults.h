// Faults for the code under test: this program's own fsync(2), read(2) and clock stand in front of the C library's.
#pragma once

#include <chrono>
#include <functional>

namespace mtasts {

// Called with the descriptor before each fsync(2), until the object is gone. Another value than 0 is the errno that it
// fails with.
class WhenSynced {
 public:
  explicit WhenSynced(std::function<int(int fd)> called);
  WhenSynced(const WhenSynced&) = delete;
  WhenSynced& operator=(const WhenSynced&) = delete;
  ~WhenSynced();
};

// The same before each read(2).
class WhenRead {
 public:
  explicit WhenRead(std::function<int(int fd)> called);
  WhenRead(const WhenRead&) = delete;
  WhenRead& operator=(const WhenRead&) = delete;
  ~WhenRead();
};

// The monotonic clock is this much ahead, from now on.
void advance_steady_clock(std::chrono::seconds by);

}  // namespace mtasts
