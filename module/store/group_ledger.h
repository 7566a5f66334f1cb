// The names below one registrable domain that the store holds, in the file `.of-<registrable domain>` of its shard: one
// a line, and the bytes that it takes on disk. Only names below: the registrable domain itself is one entry at most.
// The file is renamed into place, so that a fault while it is written leaves the old one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "module/io/descriptor.h"
#include "module/store/range_lock.h"

namespace mtasts {

// While it is held no other process reads and changes, or removes, a ledger of the shard.
class LedgerLock {
 public:
  LedgerLock(const std::string& directory, unsigned shard);
  // Whoever does not get it soon goes on without it.
  [[nodiscard]] bool is_held() const { return lock_ && lock_->state() == RangeLock::State::kHeld; }

 private:
  Descriptor file_;
  std::optional<RangeLock> lock_;
};

class GroupLedger {
 public:
  static constexpr const char* kPrefix = ".of-";
  using Names = std::map<std::string, std::int64_t>;  // and their bytes

  // Reads it; one that is missing or damaged is empty. Whoever has no lock may undo what another one adds meanwhile.
  GroupLedger(const std::string& directory, const std::string& registrable_domain);

  // Of an open file; nullopt: it cannot be read. What is beyond 4 MiB is dropped.
  static std::optional<Names> read(int file);

  Names& names() { return names_; }
  [[nodiscard]] std::int64_t bytes() const;
  // What cannot be written is not counted; one that could not be read is left as it is.
  void save();

 private:
  std::string name_;
  LedgerLock lock_;
  Descriptor shard_;
  std::optional<Names> stored_;  // nullopt: it could not be read
  Names names_;
};

}  // namespace mtasts
