// Divides a number of places among peers by dynamic thresholds (Choudhury and Hahne, 1998): a peer may hold up to three
// times as many places as are free. One peer alone gets three quarters of them, and a second one still finds some; no
// number per peer has to be configured.
#pragma once

#include <cstddef>
#include <map>

#include "module/server/peer.h"

namespace mtasts::server {

class PeerQuota {
 public:
  explicit PeerQuota(std::size_t capacity) : capacity_(capacity) {}

  void set_capacity(std::size_t capacity) { capacity_ = capacity; }
  // False: this peer holds as many as it may.
  bool take(const Peer& peer);
  // One that was taken.
  void give_back(const Peer& peer);

  [[nodiscard]] std::size_t held() const { return held_; }
  [[nodiscard]] std::size_t held_by(const Peer& peer) const;

 private:
  static constexpr std::size_t kTimesFree = 3;

  std::size_t capacity_;
  std::size_t held_ = 0;
  std::map<Peer, std::size_t> by_peer_;  // those that hold any
};

}  // namespace mtasts::server
