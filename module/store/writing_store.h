// The store as the lookup helper uses it: within its limits, and with a memory for what could not be saved.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "core/ports.h"
#include "module/io/keyed_hash.h"
#include "module/store/quota.h"

namespace mtasts {

// A policy that cannot be saved (rights, a full disk, the quota) is applied and refreshed all the same for as long as
// the process lives: of so many bytes, and the one that was cached first makes room. A cache of its own, because
// ShortMemory (module/io) counts names and forgets after a time: one policy may be a thousand times as long as another.
class UnsavedPolicies {
 public:
  explicit UnsavedPolicies(std::size_t most_bytes) : most_bytes_(most_bytes) {}
  UnsavedPolicies(const UnsavedPolicies&) = delete;
  UnsavedPolicies& operator=(const UnsavedPolicies&) = delete;

  // In the place of what there was for this domain. Without a policy nothing is cached.
  void put(const CacheEntry& entry);
  void remove(const Domain& domain);
  // nullptr: nothing. Until the next put() or remove().
  [[nodiscard]] const CacheEntry* find(const Domain& domain) const;

 private:
  std::size_t most_bytes_;
  std::size_t bytes_ = 0;
  std::list<CacheEntry> entries_;  // the oldest first
  std::unordered_map<std::string, std::list<CacheEntry>::iterator, KeyedHash> by_name_;
};

// What it is given must outlive it.
class WritingStore final : public PolicyStore {
 public:
  WritingStore(PolicyStore& store, StoreQuota& quota) : store_(store), quota_(quota) {}

  Result<std::optional<CacheEntry>> get(const Domain& domain) override;
  // An error also where the entry is cached until the process ends: others cannot see it.
  Result<void> put(const CacheEntry& entry) override;
  std::unique_ptr<Claim> claim(const Domain& domain, Slot slot) override { return store_.claim(domain, slot); }

 private:
  static constexpr std::size_t kMaxBytes = 8 * 1024 * 1024;
  PolicyStore& store_;
  StoreQuota& quota_;
  UnsavedPolicies unsaved_{kMaxBytes};
};

}  // namespace mtasts
