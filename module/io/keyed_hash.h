// A hash of texts that strangers choose (names of domains and hosts, requests), for tables in memory: SipHash under a
// key drawn at random. With std::hash, whose seed everybody knows, a stranger could choose names that all collide, and
// make each look into the table a walk through them.
#pragma once

#include <cstddef>
#include <string_view>

#include "core/siphash.h"

namespace mtasts {

// All zeros where the system gives no random octets.
SipKey random_key();

// A hash function object as the containers of std take it; each table has a key of its own.
class KeyedHash {
 public:
  std::size_t operator()(std::string_view text) const { return static_cast<std::size_t>(siphash(key_, text)); }

 private:
  SipKey key_ = random_key();
};

}  // namespace mtasts
