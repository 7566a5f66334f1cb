// What is cached under a name until a moment, of so many names at most: the one that was cached first makes
// room. Pure: whoever asks knows what time it is.
//
// For findings about MX hosts and for what TLSRPT was told: small values, so that their number bounds them. Answers
// ready to be sent have server::Memory, which is bounded in octets and faster. Strangers choose the names, so the hash
// has a random key.
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <string>
#include <unordered_map>
#include <utility>

#include "core/time.h"
#include "module/io/keyed_hash.h"

namespace mtasts {

template <typename Value>
class ShortMemory {
 public:
  struct Item {
    std::string name;
    Value value;
    SteadyTime until;
  };

  explicit ShortMemory(std::size_t most) : most_(most) {}
  ShortMemory(const ShortMemory&) = delete;
  ShortMemory& operator=(const ShortMemory&) = delete;

  // nullptr: nothing. Also what is over by now, as long as there is room for it. Until the next put().
  [[nodiscard]] const Item* find(const std::string& name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : &*found->second;
  }
  [[nodiscard]] const Item* find(const std::string& name, SteadyTime now) const {
    const Item* item = find(name);
    return item != nullptr && now < item->until ? item : nullptr;
  }

  // In the place of what was there under this name.
  void put(const std::string& name, Value value, SteadyTime until) {
    if (const auto old = by_name_.find(name); old != by_name_.end()) {
      items_.erase(old->second);
      by_name_.erase(old);
    }
    items_.push_back({name, std::move(value), until});
    by_name_.emplace(name, std::prev(items_.end()));
    if (items_.size() <= most_) return;
    by_name_.erase(items_.front().name);
    items_.pop_front();
  }

 private:
  std::size_t most_;
  std::list<Item> items_;  // the oldest first
  std::unordered_map<std::string, typename std::list<Item>::iterator, KeyedHash> by_name_;
};

}  // namespace mtasts
