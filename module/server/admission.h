// Admission control for lookups: how many requests may wait for one, and how many lookups run at the same time. Both
// are divided among the peers, so that one that asks without end holds up nobody but itself. A peer's own lookups begin
// in the order of its requests.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>

#include "core/ports.h"
#include "module/server/peer_quota.h"

namespace mtasts::server {

// Must outlive its tickets and slots. One thread.
class Admission {
 public:
  struct Limits {
    std::size_t waiting;  // requests
    std::size_t running;  // lookups
  };

  // Held while a lookup runs. The last copy that is destroyed lets another lookup begin, from the loop.
  using Slot = std::shared_ptr<void>;
  using Run = std::function<void(Slot)>;

  // A request that waits; destroyed, it waits no longer. A lookup that runs already goes on.
  class Ticket {
   public:
    Ticket(Admission& admission, Peer peer, Run run);
    ~Ticket();
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;

    // It counts no longer, and waits on.
    void release();

   private:
    friend Admission;
    Admission& admission_;
    const Peer peer_;
    Run run_;
    bool counted_ = true;
    bool queued_ = false;
    std::list<Ticket*>::iterator place_;  // while it is queued
  };

  Admission(EventLoop& loop, Limits limits) : loop_(loop), waiting_(limits.waiting), running_(limits.running) {}

  void set_limits(Limits limits);
  // `run` is called once, as soon as its lookup may begin: from inside this call, or from the loop. It must not destroy
  // the ticket. nullptr: too many requests of this peer wait.
  std::unique_ptr<Ticket> enter(const Peer& peer, Run run);
  [[nodiscard]] std::size_t waiting_of(const Peer& peer) const { return waiting_.held_by(peer); }

 private:
  void begin_next();
  Slot slot_for(const Peer& peer);

  EventLoop& loop_;
  PeerQuota waiting_;
  PeerQuota running_;
  std::map<Peer, std::list<Ticket*>> queues_;  // whose lookups have not begun
  std::unique_ptr<EventLoop::Watch> soon_;     // begin_next()
};

}  // namespace mtasts::server
