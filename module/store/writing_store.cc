#include "module/store/writing_store.h"

#include <utility>

namespace mtasts {
namespace {

// The policy's body and what was parsed of it, the texts of errors, and something for the rest.
std::size_t cost(const CacheEntry& entry) {
  constexpr std::size_t kRest = 1024;
  constexpr std::size_t kPattern = 64;
  std::size_t bytes = kRest + entry.record.detail.size();
  if (entry.failure) bytes += entry.failure->error.detail.size();
  if (entry.policy) bytes += 2 * entry.policy->body.size() + kPattern * entry.policy->policy.mx.size();
  return bytes;
}

// No lookup drops a policy: the entry that lacks one was written before the other.
bool has_newer_policy(const CacheEntry& stored, const CacheEntry& unsaved) {
  return stored.policy && (!unsaved.policy || stored.policy->fetched > unsaved.policy->fetched);
}

}  // namespace

void UnsavedEntries::put(const CacheEntry& entry) {
  remove(entry.domain);
  Entries& entries = entry.policy ? with_policy_ : without_policy_;
  const Item& item = entries.emplace_back(Item{entry, registrable_domain_(entry.domain.text()), cost(entry)});
  by_name_.emplace(entry.domain.text(), std::prev(entries.end()));
  bytes_ += item.bytes;
  if (entry.policy) bytes_of_[item.owner] += item.bytes;
  while (bytes_ > most_bytes_) remove(Domain(next_to_go()));
}

void UnsavedEntries::remove(const Domain& domain) {
  const auto found = by_name_.find(domain.text());
  if (found == by_name_.end()) return;
  const Item& item = *found->second;
  bytes_ -= item.bytes;
  if (!item.entry.policy)
    without_policy_.erase(found->second);
  else {
    const auto owner = bytes_of_.find(item.owner);
    if ((owner->second -= item.bytes) == 0) bytes_of_.erase(owner);
    with_policy_.erase(found->second);
  }
  by_name_.erase(found);
}

// Not the one that has come last, as long as there are others.
const Domain& UnsavedEntries::next_to_go() const {
  if (!without_policy_.empty()) return without_policy_.front().entry.domain;
  const Item* chosen = &with_policy_.front();
  std::size_t most = 0;
  for (auto item = with_policy_.begin(); item != std::prev(with_policy_.end()); ++item) {
    const std::size_t bytes = bytes_of_.at(item->owner);
    if (bytes <= most) continue;
    most = bytes;
    chosen = &*item;
  }
  return chosen->entry.domain;
}

const CacheEntry* UnsavedEntries::find(const Domain& domain) const {
  const auto found = by_name_.find(domain.text());
  return found == by_name_.end() ? nullptr : &found->second->entry;
}

// Another process may have saved a newer policy meanwhile.
Result<std::optional<CacheEntry>> WritingStore::get(const Domain& domain) {
  auto stored = store_.get(domain);
  const CacheEntry* unsaved = unsaved_.find(domain);
  if (!stored || unsaved == nullptr) return stored;
  if (*stored && has_newer_policy(**stored, *unsaved)) {
    unsaved_.remove(domain);
    return stored;
  }
  return *unsaved;
}

Result<void> WritingStore::put(const CacheEntry& entry) {
  auto saved = quota_.admit(entry).and_then([&] { return store_.put(entry); });
  if (saved)
    unsaved_.remove(entry.domain);
  else if (saved.error().code == ErrorCode::kStoreUnavailable)
    unsaved_.put(entry);
  return saved;
}

}  // namespace mtasts
