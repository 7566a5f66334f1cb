#include "adapters/socketmap/memory.h"

#include <utility>

namespace mtasts::socketmap {
namespace {

// What list, hash table and allocator add to an item.
constexpr std::size_t kOverhead = 120;

std::size_t cost(const std::string& request, const std::string& frame) {
  return sizeof(Remembered) + kOverhead + request.capacity() + frame.capacity();
}

}  // namespace

const Remembered* Memory::find(std::string_view request, SteadyTime now) {
  const auto found = by_request_.find(request);
  if (found == by_request_.end() || found->second->until <= now) return nullptr;
  items_.splice(items_.begin(), items_, found->second);
  return &found->second->remembered;
}

void Memory::put(std::string_view request, Remembered remembered, SteadyTime until) {
  if (const auto old = by_request_.find(request); old != by_request_.end()) drop(old->second);
  items_.push_front({std::string(request), std::move(remembered), until});
  const Item& item = items_.front();
  by_request_.emplace(item.request, items_.begin());
  bytes_ += cost(item.request, item.remembered.frame);
  while (bytes_ > max_bytes_ && items_.size() > 1) drop(std::prev(items_.end()));
}

void Memory::drop(Items::iterator item) {
  bytes_ -= cost(item->request, item->remembered.frame);
  by_request_.erase(item->request);
  items_.erase(item);
}

}  // namespace mtasts::socketmap
