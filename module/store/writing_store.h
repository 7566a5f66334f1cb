// The store as the lookup helper uses it: within its limits, and with a memory for what could not be saved.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "core/ports.h"
#include "module/io/keyed_hash.h"
#include "module/store/quota.h"

namespace mtasts {

// What cannot be saved (rights, a full disk, the quota) is cached for as long as the process lives: a policy is applied
// and refreshed, a failed fetch is backed off (R15), a missing record is not asked for again (R23). Bounded in bytes.
// An entry without a policy makes room before any that has one; then the oldest of the registrable domain that takes
// most: what a stranger can fill are the places of strangers. A cache of its own, because ShortMemory (module/io)
// counts names and forgets after a time: one policy may be a thousand times as long as another.
class UnsavedEntries {
 public:
  UnsavedEntries(std::size_t most_bytes, StoreQuota::RegistrableDomain registrable_domain)
      : most_bytes_(most_bytes), registrable_domain_(std::move(registrable_domain)) {}
  UnsavedEntries(const UnsavedEntries&) = delete;
  UnsavedEntries& operator=(const UnsavedEntries&) = delete;

  // In the place of what there was for this domain.
  void put(const CacheEntry& entry);
  void remove(const Domain& domain);
  // nullptr: nothing. Until the next put() or remove().
  [[nodiscard]] const CacheEntry* find(const Domain& domain) const;

 private:
  struct Item {
    CacheEntry entry;
    std::string owner;  // its registrable domain
    std::size_t bytes;
  };
  using Entries = std::list<Item>;  // the oldest first

  [[nodiscard]] const Domain& next_to_go() const;

  std::size_t most_bytes_;
  StoreQuota::RegistrableDomain registrable_domain_;
  std::size_t bytes_ = 0;
  Entries with_policy_;
  Entries without_policy_;
  std::unordered_map<std::string, Entries::iterator, KeyedHash> by_name_;
  std::unordered_map<std::string, std::size_t, KeyedHash> bytes_of_;  // owners of policies
};

// What it is given must outlive it.
class WritingStore final : public PolicyStore {
 public:
  WritingStore(PolicyStore& store, StoreQuota& quota)
      : store_(store), quota_(quota), unsaved_(kMaxBytes, quota.registrable_domain()) {}

  Result<std::optional<CacheEntry>> get(const Domain& domain) override;
  // An error also where the entry is cached until the process ends: others cannot see it.
  Result<void> put(const CacheEntry& entry) override;
  std::unique_ptr<Claim> claim(const Domain& domain, Slot slot) override { return store_.claim(domain, slot); }

 private:
  static constexpr std::size_t kMaxBytes = 8 * 1024 * 1024;
  PolicyStore& store_;
  StoreQuota& quota_;
  UnsavedEntries unsaved_;
};

}  // namespace mtasts
