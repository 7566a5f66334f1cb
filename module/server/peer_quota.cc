#include "module/server/peer_quota.h"

#include <algorithm>

namespace mtasts::server {

bool PeerQuota::take(const Peer& peer) {
  const std::size_t free = capacity_ - std::min(held_, capacity_);  // the capacity may have become smaller
  if (held_by(peer) >= kTimesFree * free) return false;
  ++by_peer_[peer];
  ++held_;
  return true;
}

void PeerQuota::give_back(const Peer& peer) {
  const auto found = by_peer_.find(peer);
  if (--found->second == 0) by_peer_.erase(found);
  --held_;
}

std::size_t PeerQuota::held_by(const Peer& peer) const {
  const auto found = by_peer_.find(peer);
  return found == by_peer_.end() ? 0 : found->second;
}

}  // namespace mtasts::server
