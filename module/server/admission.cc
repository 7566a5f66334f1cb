#include "module/server/admission.h"

#include <utility>

namespace mtasts::server {

Admission::Ticket::Ticket(Admission& admission, Peer peer, Run run)
    : admission_(admission), peer_(std::move(peer)), run_(std::move(run)) {}

Admission::Ticket::~Ticket() {
  release();
  if (queued_) admission_.queues_.at(peer_).erase(place_);
}

void Admission::Ticket::release() {
  if (std::exchange(counted_, false)) admission_.waiting_.give_back(peer_);
}

void Admission::set_limits(Limits limits) {
  waiting_.set_capacity(limits.waiting);
  running_.set_capacity(limits.running);
}

std::unique_ptr<Admission::Ticket> Admission::enter(const Peer& peer, Run run) {
  if (!waiting_.take(peer)) return nullptr;
  auto ticket = std::make_unique<Ticket>(*this, peer, std::move(run));
  auto& queue = queues_[peer];
  ticket->place_ = queue.insert(queue.end(), ticket.get());
  ticket->queued_ = true;
  begin_next();
  return ticket;
}

// In turns, one of each peer.
void Admission::begin_next() {
  for (bool one_began = true; one_began;) {
    one_began = false;
    for (auto& [peer, queue] : queues_) {
      if (queue.empty() || !running_.take(peer)) continue;
      Ticket& ticket = *queue.front();
      queue.pop_front();
      ticket.queued_ = false;
      ticket.run_(slot_for(peer));
      one_began = true;
    }
  }
  std::erase_if(queues_, [](const auto& one) { return one.second.empty(); });
}

// Later, because whoever gives a slot back is in the middle of something.
Admission::Slot Admission::slot_for(const Peer& peer) {
  return {this, [this, peer](void* /*self*/) {
            running_.give_back(peer);
            if (!queues_.empty()) soon_ = loop_.after(std::chrono::milliseconds(0), [this] { begin_next(); });
          }};
}

}  // namespace mtasts::server
