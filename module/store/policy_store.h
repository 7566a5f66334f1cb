// The store: one small text file a policy domain, `<directory>/<2 hex digits>/<domain>`, written whole and renamed into
// place. Readers follow no symbolic link, wait for no FIFO, map nothing and read a bounded number of bytes, so that
// root can read what a lesser user wrote (docs/adr/0001-store-of-files.md). A domain known to have no record is an
// empty file whose mtime says until when; the microseconds are a number of the domain's own, so that an entry that was
// cut to nothing is not taken for one. When an entry was last used is its file's access time; since when a domain has
// been cached is the mtime of any other file.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/ports.h"
#include "module/io/log.h"
#include "module/io/log_throttle.h"
#include "module/store/claims.h"
#include "module/store/throttle.h"
#include "module/store/usage.h"

namespace mtasts {

// Of the file that put() makes of it.
std::size_t stored_size(const CacheEntry& entry);

// Any number of processes may use one directory at the same time; an object belongs to one thread. Problems are logged:
// a store that is missing or cannot be written when that begins, after a recovery, and every hour; an entry that cannot
// be read once a minute; one that is damaged by use() each time, otherwise once a day.
class FileStore : public PolicyStore {
 public:
  // Nothing is opened yet. `log` must outlive the store.
  FileStore(std::string directory, Log& log);

  // Not counted as a use.
  Result<std::optional<CacheEntry>> get(const Domain& domain) override;
  // The same for a delivery. Marked at most once an hour, by whoever may: the owner and root; the kernel does it for
  // others, once a day, unless the file system is mounted with noatime.
  Result<std::optional<CacheEntry>> use(const Domain& domain);
  // Error kStoreUnavailable: rights, disk full, not a directory... The old entry is still there then. Error
  // kLocalFault: there may be an entry that could not be read.
  Result<void> put(const CacheEntry& entry) override;
  std::unique_ptr<Claim> claim(const Domain& domain, Slot slot) override { return claims_.take(domain, slot); }

  struct Found {
    std::optional<CacheEntry> entry;  // nullopt: damaged
    WallTime used;
    WallTime since;       // of an empty file: until when there is no record
    std::uint64_t bytes;  // of the file
  };
  // What there is of a domain; nullopt also for what cannot be read. Not counted as a use.
  std::optional<Found> look(const Domain& domain);

  enum class Removal { kRemoved, kNotThere };
  // And from the list of its registrable domain's names (group_ledger.h). Error kStoreUnavailable.
  Result<Removal> remove(const Domain& domain);
  // Every entry, also what cannot be read as one; how many there were. Error kStoreUnavailable: there may be more.
  Result<std::size_t> remove_all();
  // Calls `visit` with every readable entry (the others are logged), in no particular order, and with when it was last
  // used. Error kStoreUnavailable or kLocalFault: that was not all, because the directory, a part of it or an entry
  // cannot be read.
  using Visit = std::function<void(const CacheEntry&, WallTime used)>;
  Result<void> for_each(const Visit& visit);
  [[nodiscard]] Result<void> can_be_listed() const;
  // The same for one of the kShards parts of the store, 0 to kShards - 1, in steps: for a process that answers others
  // in between.
  static constexpr unsigned kShards = 256;
  struct Part {
    unsigned shard;
    std::vector<std::string> left = {};  // the names of files that were not visited yet
    Usage counted = {};
    Result<void> visited = {};  // error kLocalFault: an entry cannot be read
  };
  // Error kStoreUnavailable.
  Result<Part> list(unsigned shard);
  // The next `most` files. What killed writers left there is removed, and at the end what the part holds is counted
  // (usage.h). `damaged` is called with what lies in an entry's place and is none.
  using VisitDamaged = std::function<void(const Domain&, WallTime used)>;
  void go_on(Part& part, std::size_t most, const Visit& visit, const VisitDamaged& damaged);
  // Of warnings about what is stored here, and of others that whoever shares the store gives.
  SharedThrottle& throttle() { return throttle_; }
  [[nodiscard]] const std::string& directory() const { return directory_; }

 private:
  enum class Purpose { kLook, kUse };  // a use is marked, and warned of each time where the entry is damaged

  // nullopt: absent. Error kLocalFault, which was logged.
  Result<std::optional<Found>> read(const Domain& domain, Purpose purpose);
  tl::unexpected<Error> unreadable(const Domain& domain, int error);
  tl::unexpected<Error> unreadable(const Domain& domain, const std::string& why, const std::string& action);
  // Every name in a part of the store. Error kStoreUnavailable; that it is not there is none.
  [[nodiscard]] Result<std::vector<std::string>> names_in_shard(unsigned shard) const;
  void visit_entry(Part& part, const Domain& domain, const Visit& visit, const VisitDamaged& damaged);
  [[nodiscard]] Usage visit_other(unsigned shard, const std::string& name) const;
  void warn(LogThrottle& fault, const LogLine& line);
  void recovered(LogThrottle& fault, const std::string& what);
  void warn_of_damage(const Domain& domain, const std::string& reason, Purpose purpose);

  std::string directory_;
  Claims claims_;
  SharedThrottle throttle_;
  UsageFile usage_;
  Log& log_;
  LogThrottle missing_{std::chrono::hours(1)};
  LogThrottle unwritable_{std::chrono::hours(1)};
  LogThrottle unlistable_{std::chrono::hours(1)};
  std::set<unsigned> unlistable_shards_;  // when they were last listed
  LogThrottle unreadable_{std::chrono::minutes(1)};
};

}  // namespace mtasts
