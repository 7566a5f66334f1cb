// The answers of the last seconds, ready to be sent. What is remembered for longer is in the store; this saves most
// requests the way there, and nothing in it is older than a few seconds, so that what another process writes to the
// store, or an administrator takes out of it, counts at once.
#pragma once

#include <chrono>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "adapters/socketmap/reply.h"

namespace mtasts::socketmap {

using SteadyTime = std::chrono::steady_clock::time_point;

struct Remembered {
  Map map = Map::kPostfix;
  Verdict verdict = Verdict::kNotFound;
  std::string frame;  // the reply as it goes over the wire
};

// At most about `max_bytes`; what was used last stays. One thread.
class Memory {
 public:
  explicit Memory(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  // Until the next call of put(). nullptr: nothing, or no longer.
  const Remembered* find(std::string_view request, SteadyTime now);
  // Taken over until `until`; instead of what there was for this request.
  void put(std::string_view request, Remembered remembered, SteadyTime until);

  [[nodiscard]] std::size_t size() const { return items_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  struct Item {
    std::string request;
    Remembered remembered;
    SteadyTime until;
  };
  using Items = std::list<Item>;

  void drop(Items::iterator item);

  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  Items items_;  // last used first
  std::unordered_map<std::string_view, Items::iterator> by_request_;
};

}  // namespace mtasts::socketmap
