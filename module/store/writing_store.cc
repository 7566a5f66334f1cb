#include "module/store/writing_store.h"

#include <utility>

namespace mtasts {
namespace {

// The body and what was parsed of it, with something for the rest.
std::size_t cost(const CacheEntry& entry) {
  constexpr std::size_t kRest = 1024;
  constexpr std::size_t kPattern = 64;
  return kRest + 2 * entry.policy->body.size() + kPattern * entry.policy->policy.mx.size();
}

}  // namespace

void UnsavedPolicies::put(const CacheEntry& entry) {
  remove(entry.domain);
  if (!entry.policy) return;
  entries_.push_back(entry);
  by_name_.emplace(entry.domain.text(), std::prev(entries_.end()));
  bytes_ += cost(entry);
  while (bytes_ > most_bytes_) remove(Domain(entries_.front().domain));
}

void UnsavedPolicies::remove(const Domain& domain) {
  const auto found = by_name_.find(domain.text());
  if (found == by_name_.end()) return;
  bytes_ -= cost(*found->second);
  entries_.erase(found->second);
  by_name_.erase(found);
}

const CacheEntry* UnsavedPolicies::find(const Domain& domain) const {
  const auto found = by_name_.find(domain.text());
  return found == by_name_.end() ? nullptr : &*found->second;
}

// Another process may have saved a newer policy meanwhile.
Result<std::optional<CacheEntry>> WritingStore::get(const Domain& domain) {
  auto stored = store_.get(domain);
  const CacheEntry* unsaved = unsaved_.find(domain);
  if (!stored || unsaved == nullptr) return stored;
  const auto& entry = *stored;
  if (entry && entry->policy && entry->policy->fetched > unsaved->policy->fetched) {
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
