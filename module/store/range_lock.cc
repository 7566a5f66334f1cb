#include "module/store/range_lock.h"

#include <fcntl.h>
#include <time.h>

#include <cerrno>

namespace mtasts {
namespace {

constexpr std::chrono::milliseconds kPause{1};

void pause_shortly() {
  const timespec pause{0, std::chrono::nanoseconds(kPause).count()};
  ::nanosleep(&pause, nullptr);
}

}  // namespace

RangeLock::RangeLock(int file, off_t at, off_t length, std::chrono::milliseconds timeout)
    : file_(file), at_(at), length_(length), state_(set(F_WRLCK)) {
  for (auto waited = kPause; state_ == State::kTaken && waited <= timeout; waited += kPause) {
    pause_shortly();
    state_ = set(F_WRLCK);
  }
}

RangeLock::~RangeLock() {
  if (state_ == State::kHeld) set(F_UNLCK);
}

RangeLock::State RangeLock::set(short type) const {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = at_;
  lock.l_len = length_;
  if (::fcntl(file_, F_OFD_SETLK, &lock) == 0) return State::kHeld;
  return errno == EAGAIN || errno == EACCES ? State::kTaken : State::kFailed;
}

}  // namespace mtasts
