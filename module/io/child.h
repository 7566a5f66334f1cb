// A process that this one has forked.
#pragma once

#include <sys/wait.h>

#include <cerrno>

namespace mtasts {

// Waits until it has ended, whatever signals come, and leaves no zombie.
inline void wait_for_end(pid_t child) {
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace mtasts
