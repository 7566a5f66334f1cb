#include "fetch/turns.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace mtasts {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

void Turns::join(const std::string& network, Begin begin, Refused waited_too_long) {
  const Ticket ticket = queue_.join(network, steady_clock::now());
  waiting_.emplace(ticket, Waiting{std::move(begin), std::move(waited_too_long)});
  schedule();
}

void Turns::leave(Ticket ticket) {
  queue_.leave(ticket);
  schedule();
}

// Where nobody's turn has come: when the first has waited for too long.
void Turns::schedule() {
  pump_.reset();
  const auto expiry = queue_.next_expiry();
  if (!expiry) return;
  const auto delay = queue_.has_next() ? steady_clock::duration{0} : *expiry - steady_clock::now();
  pump_ = loop_.after(std::max(milliseconds{0}, std::chrono::ceil<milliseconds>(delay)), [this] {
    pump_.reset();
    pump();
  });
}

void Turns::pump() {
  for (const auto ticket : queue_.expire(steady_clock::now())) take(ticket).waited_too_long();
  while (const auto ticket = queue_.next()) take(*ticket).begin(*ticket);
  schedule();
}

Turns::Waiting Turns::take(Ticket ticket) {
  auto node = waiting_.extract(ticket);
  return std::move(node.mapped());
}

}  // namespace mtasts
