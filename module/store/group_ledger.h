// The names below one registrable domain that the store holds, in the file `.of-<registrable domain>` of its shard: one
// a line, and the bytes that it takes on disk. Only names below: the registrable domain itself is one entry at most.
// The file is renamed into place, so that a fault while it is written leaves the old one. It counts for the store's
// limits as an entry does (usage.h), and goes with its last name.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "module/io/descriptor.h"
#include "module/store/range_lock.h"
#include "module/store/usage.h"

namespace mtasts {

// While it is held no other process reads and changes, or removes, a ledger of the shard.
class LedgerLock {
 public:
  // `timeout`: for how long another process is waited for.
  LedgerLock(const std::string& directory, unsigned shard, std::chrono::milliseconds timeout);
  [[nodiscard]] bool is_held() const { return lock_ && lock_->state() == RangeLock::State::kHeld; }

 private:
  Descriptor file_;
  std::optional<RangeLock> lock_;
};

class GroupLedger {
 public:
  static constexpr const char* kPrefix = ".of-";
  using Names = std::map<std::string, std::int64_t>;  // and their bytes

  // Longer than it takes to make room for a name.
  static constexpr std::chrono::milliseconds kLockTimeout{200};

  // Reads it; one that is missing or damaged is empty. Whoever does not get the lock in time goes on without it, and
  // may undo what another one adds meanwhile.
  GroupLedger(const std::string& directory, const std::string& registrable_domain,
              std::chrono::milliseconds lock_timeout = kLockTimeout);

  // Takes a name whose entry was removed off the ledger that lists it, unless another process changes that ledger now.
  static void unlist(const std::string& directory, const std::string& name, UsageFile& usage);
  // Of an open file; nullopt: it cannot be read. What is beyond 4 MiB is dropped.
  static std::optional<Names> read(int file);
  // What a ledger of this size counts for.
  static Usage usage_of(std::uint64_t file_size);

  Names& names() { return names_; }
  // Of the names and of the file itself.
  [[nodiscard]] std::int64_t bytes() const;
  // Counts what the file takes more or less than before, and removes one without names. What cannot be written is not
  // counted; one that could not be read is left as it is.
  void save(UsageFile& usage);

 private:
  std::string domain_;
  LedgerLock lock_;
  Descriptor shard_;
  std::optional<Names> stored_;  // nullopt: it could not be read
  Names names_;
};

}  // namespace mtasts
