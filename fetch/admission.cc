#include "fetch/admission.h"

#include <algorithm>
#include <utility>

namespace mtasts {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

void Admission::join(AdmissionQueue::Request request, Begin begin, Refused refused) {
  const Ticket ticket = queue_.join(std::move(request), steady_clock::now() + wait_);
  waiting_.emplace(ticket, Waiting{std::move(begin), std::move(refused)});
  schedule();
}

void Admission::leave(Ticket ticket) {
  queue_.leave(ticket);
  schedule();
}

bool Admission::regroup(Ticket ticket, const std::vector<AdmissionQueue::Group>& groups) {
  const bool done = queue_.regroup(ticket, groups, places_);
  schedule();
  return done;
}

// Where nothing can begin: when the first that waits expires.
void Admission::schedule() {
  pump_.reset();
  const auto expiry = queue_.next_expiry();
  if (!expiry) return;
  const auto delay = queue_.has_next(places_) ? steady_clock::duration{0} : *expiry - steady_clock::now();
  pump_ = loop_.after(std::max(milliseconds{0}, std::chrono::ceil<milliseconds>(delay)), [this] {
    pump_.reset();
    pump();
  });
}

void Admission::pump() {
  for (const auto ticket : queue_.expire(steady_clock::now())) take(ticket).refused();
  while (const auto ticket = queue_.next(places_)) take(*ticket).begin(*ticket);
  schedule();
}

Admission::Waiting Admission::take(Ticket ticket) {
  auto node = waiting_.extract(ticket);
  return std::move(node.mapped());
}

}  // namespace mtasts
