// AdmissionQueue on an event loop, for a fixed number of places: what is asked for begins when its turn has come, in a
// round of the loop of its own, so that nobody is called back from inside their call.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "core/admission_queue.h"
#include "core/ports.h"

namespace mtasts {

class Admission {
 public:
  using Ticket = AdmissionQueue::Ticket;
  using Begin = std::function<void(Ticket)>;
  using Refused = std::function<void()>;

  // `wait`: who has waited for so long is refused. The loop must outlive it. Destroying it calls nobody.
  Admission(EventLoop& loop, std::size_t places, std::chrono::seconds wait)
      : loop_(loop), places_(places), wait_(wait) {}

  // Calls one of the two, once. Who begins has a place until leave().
  void join(AdmissionQueue::Request request, Begin begin, Refused refused);
  void leave(Ticket ticket);
  // As of AdmissionQueue.
  bool regroup(Ticket ticket, const std::vector<AdmissionQueue::Group>& groups);

 private:
  struct Waiting {
    Begin begin;
    Refused refused;
  };

  void schedule();
  void pump();
  Waiting take(Ticket ticket);

  EventLoop& loop_;
  const std::size_t places_;
  const std::chrono::seconds wait_;
  AdmissionQueue queue_;
  std::map<Ticket, Waiting> waiting_;
  std::unique_ptr<EventLoop::Watch> pump_;
};

}  // namespace mtasts
