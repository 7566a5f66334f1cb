#include "module/io/event_loop.h"

#include <event2/event.h>
#include <sys/time.h>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <utility>

namespace mtasts {
namespace {

// Blocks SIGPIPE on this thread and, at the end, swallows one that came meanwhile, so that it is not delivered late.
class SigpipeBlock {
 public:
  SigpipeBlock() {
    sigemptyset(&sigpipe_);
    sigaddset(&sigpipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &sigpipe_, &before_);
  }
  ~SigpipeBlock() {
    if (sigismember(&before_, SIGPIPE) == 1) return;
    const timespec no_wait{};
    sigtimedwait(&sigpipe_, nullptr, &no_wait);
    pthread_sigmask(SIG_UNBLOCK, &sigpipe_, nullptr);
  }
  SigpipeBlock(const SigpipeBlock&) = delete;
  SigpipeBlock& operator=(const SigpipeBlock&) = delete;

 private:
  sigset_t sigpipe_{};
  sigset_t before_{};
};

struct EventFree {
  void operator()(event* e) const { event_free(e); }
};
using EventPtr = std::unique_ptr<event, EventFree>;

struct BaseFree {
  void operator()(event_base* base) const { event_base_free(base); }
};

struct ConfigFree {
  void operator()(event_config* config) const { event_config_free(config); }
};

// libevent would let a timer begin when the round of the loop began. After a callback that took long (a sync on a busy
// disk) a question of the same round would have had its time before it is even sent.
event_base* new_base() {
  const std::unique_ptr<event_config, ConfigFree> config(event_config_new());
  if (!config || event_config_set_flag(config.get(), EVENT_BASE_FLAG_NO_CACHE_TIME) != 0) return nullptr;
  return event_base_new_with_config(config.get());
}

// The callback is shared so that it survives its watch for the rest of its own run: a watch may be destroyed from
// inside it. libevent itself does not touch an event after having called it.
class IoWatch final : public EventLoop::Watch {
 public:
  IoWatch(event_base* base, int fd, unsigned interest, std::function<void(unsigned)> ready)
      : ready_(std::make_shared<std::function<void(unsigned)>>(std::move(ready))) {
    const int events = EV_PERSIST | ((interest & EventLoop::kRead) != 0 ? EV_READ : 0) |
                       ((interest & EventLoop::kWrite) != 0 ? EV_WRITE : 0);
    event_.reset(event_new(base, fd, static_cast<short>(events), &IoWatch::called, this));
    if (event_) event_add(event_.get(), nullptr);
  }

 private:
  static void called(evutil_socket_t /*fd*/, short events, void* self) noexcept {
    const auto ready = static_cast<IoWatch*>(self)->ready_;
    (*ready)(((events & EV_READ) != 0 ? EventLoop::kRead : 0U) | ((events & EV_WRITE) != 0 ? EventLoop::kWrite : 0U));
  }

  std::shared_ptr<std::function<void(unsigned)>> ready_;
  EventPtr event_;
};

class Timer final : public EventLoop::Watch {
 public:
  Timer(event_base* base, std::chrono::milliseconds delay, std::function<void()> due)
      : due_(std::move(due)), event_(event_new(base, -1, 0, &Timer::called, this)) {
    const auto ms = std::max(delay, std::chrono::milliseconds{0}).count();
    const timeval wait{.tv_sec = static_cast<time_t>(ms / 1000), .tv_usec = static_cast<suseconds_t>(ms % 1000 * 1000)};
    if (event_) event_add(event_.get(), &wait);
  }

 private:
  static void called(evutil_socket_t /*fd*/, short /*events*/, void* self) noexcept {
    const auto due = std::move(static_cast<Timer*>(self)->due_);
    due();
  }

  std::function<void()> due_;
  EventPtr event_;
};

class LibeventLoop final : public EventLoop {
 public:
  explicit LibeventLoop(event_base* base) : base_(base) {}

  std::unique_ptr<Watch> watch(int fd, unsigned interest, std::function<void(unsigned)> ready) override {
    return std::make_unique<IoWatch>(base_.get(), fd, interest, std::move(ready));
  }
  std::unique_ptr<Watch> after(std::chrono::milliseconds delay, std::function<void()> due) override {
    return std::make_unique<Timer>(base_.get(), delay, std::move(due));
  }
  void run() override { event_base_dispatch(base_.get()); }
  void stop() override { event_base_loopbreak(base_.get()); }

 private:
  SigpipeBlock sigpipe_block_;
  std::unique_ptr<event_base, BaseFree> base_;
};

}  // namespace

Result<std::unique_ptr<EventLoop>> make_event_loop() {
  event_base* base = new_base();
  if (base == nullptr) return fail(ErrorCode::kLocalFault, "libevent found no way to wait for sockets on this system");
  return std::make_unique<LibeventLoop>(base);
}

}  // namespace mtasts
