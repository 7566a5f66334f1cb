#include "module/server/memory.h"

#include <utility>

namespace mtasts::server {

// With what table and allocator add to an item.
std::size_t Memory::cost(const Item& item) {
  constexpr std::size_t kOverhead = 4 * sizeof(Slot) + 3 * 16;
  return sizeof(Item) + kOverhead + item.request.capacity() + item.answer.frame.capacity();
}

// Where the request is, or would be: a free place.
std::size_t Memory::place_of(std::string_view request, std::size_t hash) const {
  std::size_t place = hash & (slots_.size() - 1);
  while (slots_[place].item != nullptr && (slots_[place].hash != hash || slots_[place].item->request != request)) {
    place = next(place);
  }
  return place;
}

const Answer* Memory::find(std::string_view request, SteadyTime now) {
  Item* const item = slots_[place_of(request, hash_(request))].item;
  if (item == nullptr || item->until <= now) return nullptr;
  item->used = true;
  return &item->answer;
}

void Memory::put(std::string_view request, Answer answer, SteadyTime until) {
  const std::size_t hash = hash_(request);
  if (Item* const old = slots_[place_of(request, hash)].item) drop(*old);
  if (2 * (items_.size() + 1) > slots_.size()) grow();
  items_.push_back(std::make_unique<Item>(Item{.until = until,
                                               .answer = std::move(answer),
                                               .request = std::string(request),
                                               .hash = hash,
                                               .number = items_.size()}));
  Item& item = *items_.back();
  slots_[place_of(request, hash)] = {hash, &item};
  bytes_ += cost(item);
  make_room(item);
}

void Memory::grow() {
  slots_.assign(2 * slots_.size(), {});
  for (const auto& item : items_) slots_[place_of(item->request, item->hash)] = {item->hash, item.get()};
}

void Memory::make_room(const Item& newest) {
  while (bytes_ > max_bytes_ && items_.size() > 1) {
    if (clock_hand_ >= items_.size()) clock_hand_ = 0;
    Item& item = *items_[clock_hand_++];
    if (!std::exchange(item.used, false) && &item != &newest) drop(item);
  }
}

void Memory::drop(Item& item) {
  vacate(place_of(item.request, item.hash));
  bytes_ -= cost(item);
  const std::size_t number = item.number;
  std::swap(items_[number], items_.back());
  items_[number]->number = number;
  items_.pop_back();
}

// What stands behind the hole, and is not where its hash points to, moves up: a search ends at a free place.
void Memory::vacate(std::size_t hole) {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t place = next(hole); slots_[place].item != nullptr; place = next(place)) {
    const std::size_t from_home = (place - slots_[place].hash) & mask;
    const std::size_t from_hole = (place - hole) & mask;
    if (from_home >= from_hole) slots_[std::exchange(hole, place)] = slots_[place];
  }
  slots_[hole] = {};
}

}  // namespace mtasts::server
