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
  entries.push_back(entry);
  by_name_.emplace(entry.domain.text(), std::prev(entries.end()));
  bytes_ += cost(entry);
  while (bytes_ > most_bytes_)
    remove(Domain((without_policy_.empty() ? with_policy_ : without_policy_).front().domain));
}

void UnsavedEntries::remove(const Domain& domain) {
  const auto found = by_name_.find(domain.text());
  if (found == by_name_.end()) return;
  bytes_ -= cost(*found->second);
  (found->second->policy ? with_policy_ : without_policy_).erase(found->second);
  by_name_.erase(found);
}

const CacheEntry* UnsavedEntries::find(const Domain& domain) const {
  const auto found = by_name_.find(domain.text());
  return found == by_name_.end() ? nullptr : &*found->second;
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
