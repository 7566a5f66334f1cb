// FetchQueue on an event loop: what is asked for begins when its turn has come, in a round of the loop of its own, so
// that nobody is called back from inside his call.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core/ports.h"
#include "fetch/queue.h"

namespace mtasts {

class Turns {
 public:
  using Ticket = FetchQueue::Ticket;
  using Begin = std::function<void(Ticket)>;
  using Refused = std::function<void()>;

  // The loop must outlive it. Destroying it calls nobody.
  Turns(EventLoop& loop, const FetchQueue::Limits& limits) : loop_(loop), queue_(limits) {}

  // Calls one of the two, once. Who begins has his place until leave().
  void join(const std::string& network, Begin begin, Refused waited_too_long);
  void leave(Ticket ticket);

 private:
  struct Waiting {
    Begin begin;
    Refused waited_too_long;
  };

  void schedule();
  void pump();
  Waiting take(Ticket ticket);

  EventLoop& loop_;
  FetchQueue queue_;
  std::map<Ticket, Waiting> waiting_;
  std::unique_ptr<EventLoop::Watch> pump_;
};

}  // namespace mtasts
