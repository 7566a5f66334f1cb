#include "dns/getdns_loop.h"

#include <getdns/getdns_extra.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <map>

namespace mtasts {
namespace {

// getdns: "no time limit".
constexpr std::uint64_t kForever = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kLongestWaitMs = 24ULL * 3600 * 1000;

// What hangs on getdns_eventloop_event::ev while the event is scheduled.
struct Scheduled {
  std::unique_ptr<EventLoop::Watch> io;
  std::unique_ptr<EventLoop::Watch> timer;
  int fd = -1;
};

// getdns sends one question and reads one answer a call. Up to so many calls are made each time a socket is ready: with
// one call a round of the loop, answered queries time out in a busy process.
constexpr int kMaxCalls = 256;

bool is_ready(int fd, short events) {
  struct pollfd wait {
    fd, events, 0
  };
  return ::poll(&wait, 1, 0) == 1;
}

unsigned interest_of(const getdns_eventloop_event& event) {
  return (event.read_cb != nullptr ? EventLoop::kRead : 0U) | (event.write_cb != nullptr ? EventLoop::kWrite : 0U);
}

}  // namespace

// getdns casts between the two, hence a standard-layout first member.
struct GetdnsLoop::Extension {
  getdns_eventloop base{};
  EventLoop* loop = nullptr;
  std::uint64_t reads = 0;
  std::map<int, getdns_eventloop_event*> watched;  // what waits for each descriptor now

  void ready(int fd, unsigned interest);
  static getdns_return_t schedule(getdns_eventloop* base, int fd, std::uint64_t timeout_ms,
                                  getdns_eventloop_event* event) noexcept;
  static getdns_return_t clear(getdns_eventloop* base, getdns_eventloop_event* event) noexcept;
};

// Each call may clear or free the event, and schedule another one. Writing goes first: it ends when the queue is empty,
// whereas a peer could keep us reading for ever.
void GetdnsLoop::Extension::ready(int fd, unsigned interest) {
  const auto watched_now = [&]() -> getdns_eventloop_event* {
    const auto found = watched.find(fd);
    return found != watched.end() ? found->second : nullptr;
  };
  getdns_eventloop_event* event = watched_now();
  int calls = 0;
  if ((interest & EventLoop::kWrite) != 0) {
    while (event != nullptr && event->write_cb != nullptr && calls++ < kMaxCalls && is_ready(fd, POLLOUT)) {
      event->write_cb(event->userarg);
      event = watched_now();
    }
  }
  while (event != nullptr && event->read_cb != nullptr && calls++ < kMaxCalls && is_ready(fd, POLLIN)) {
    ++reads;
    event->read_cb(event->userarg);
    event = watched_now();
  }
}

getdns_return_t GetdnsLoop::Extension::schedule(getdns_eventloop* base, int fd, std::uint64_t timeout_ms,
                                                getdns_eventloop_event* event) noexcept {
  Extension& self = *reinterpret_cast<Extension*>(base);
  auto scheduled = std::make_unique<Scheduled>();
  const unsigned interest = interest_of(*event);
  if (fd >= 0 && interest != 0)
    scheduled->io = self.loop->watch(fd, interest, [fd, &self](unsigned bits) { self.ready(fd, bits); });
  if (scheduled->io) {
    scheduled->fd = fd;
    self.watched[fd] = event;
  }
  if (event->timeout_cb != nullptr && timeout_ms != kForever) {
    const std::chrono::milliseconds wait(static_cast<std::int64_t>(std::min(timeout_ms, kLongestWaitMs)));
    scheduled->timer = self.loop->after(wait, [event] { event->timeout_cb(event->userarg); });
  }
  event->ev = scheduled.release();
  return GETDNS_RETURN_GOOD;
}

getdns_return_t GetdnsLoop::Extension::clear(getdns_eventloop* base, getdns_eventloop_event* event) noexcept {
  Extension& self = *reinterpret_cast<Extension*>(base);
  const std::unique_ptr<Scheduled> end(static_cast<Scheduled*>(event->ev));
  if (const auto found = self.watched.find(end ? end->fd : -1); found != self.watched.end() && found->second == event)
    self.watched.erase(found);
  event->ev = nullptr;
  return GETDNS_RETURN_GOOD;
}

GetdnsLoop::GetdnsLoop(EventLoop& loop) : extension_(std::make_unique<Extension>()) {
  // The context calls cleanup when it is destroyed, but the loop is not its to destroy; and it is run by others.
  static getdns_eventloop_vmt vmt{
      .cleanup = [](getdns_eventloop*) {},
      .schedule = &Extension::schedule,
      .clear = &Extension::clear,
      .run = [](getdns_eventloop*) {},
      .run_once = [](getdns_eventloop*, int) {},
  };
  extension_->base.vmt = &vmt;
  extension_->loop = &loop;
}

GetdnsLoop::~GetdnsLoop() = default;

getdns_eventloop* GetdnsLoop::get() { return &extension_->base; }

std::uint64_t GetdnsLoop::reads() const { return extension_->reads; }

}  // namespace mtasts
