// Answers ready to be sent. What is cached for longer is in the store; this saves most requests the way there.
//
// A table of its own with CLOCK eviction instead of a list and a map: an answer from here touches three or four cache
// lines, and those were most of what it cost beside the system calls. Where that does not matter, ShortMemory
// (module/io) is shorter; UnsavedEntries (module/store) is for what cannot be saved. Strangers choose the
// names in requests, so the hash has a random key.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"
#include "module/io/keyed_hash.h"
#include "module/server/protocol.h"

namespace mtasts::server {

// At most about `max_bytes`; what was not used for long goes first. One thread.
class Memory {
 public:
  explicit Memory(std::size_t max_bytes) : max_bytes_(max_bytes), slots_(kFirstSlots) {}

  // Until the next call of put(). nullptr: nothing, or no longer.
  const Answer* find(std::string_view request, SteadyTime now);
  // Taken over until `until`; instead of what there was for this request.
  void put(std::string_view request, Answer answer, SteadyTime until);

  [[nodiscard]] std::size_t size() const { return items_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  static constexpr std::size_t kFirstSlots = 64;  // a power of two, as every later number of them

  struct Item {
    SteadyTime until;
    bool used = false;  // since the hand came by
    Answer answer;
    std::string request;
    std::size_t hash = 0;
    std::size_t number = 0;  // among items_
  };
  struct Slot {
    std::size_t hash = 0;
    Item* item = nullptr;
  };

  static std::size_t cost(const Item& item);
  [[nodiscard]] std::size_t next(std::size_t place) const { return (place + 1) & (slots_.size() - 1); }
  [[nodiscard]] std::size_t place_of(std::string_view request, std::size_t hash) const;
  void grow();
  void make_room(const Item& newest);
  void drop(Item& item);
  void vacate(std::size_t hole);

  KeyedHash hash_;
  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  std::vector<Slot> slots_;  // by hash, the next free one where that is taken; at most half of them are
  std::vector<std::unique_ptr<Item>> items_;
  std::size_t clock_hand_ = 0;  // goes round items_, for those that were not used since it came by last
};

}  // namespace mtasts::server
