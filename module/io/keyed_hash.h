// A hash of texts that strangers choose (names of domains and hosts, requests), for tables in memory: SipHash-2-4 under
// a key drawn at random. With std::hash, whose seed everybody knows, a stranger could choose names that all collide,
// and make each look into the table a walk through them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mtasts {

// A hash function object as the containers of std take it; each table has a key of its own.
class KeyedHash {
 public:
  struct Key {
    std::uint64_t first;
    std::uint64_t second;
  };

  // Throws std::system_error where the system gives no random octets.
  KeyedHash();
  explicit KeyedHash(Key key) : key_(key) {}

  std::size_t operator()(std::string_view text) const noexcept;

 private:
  Key key_;
};

}  // namespace mtasts
