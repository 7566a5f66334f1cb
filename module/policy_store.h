// The store: one small text file a policy domain, `<directory>/<2 hex digits>/<domain>`, written whole and renamed into
// place. Readers follow no symbolic link, wait for no FIFO, map nothing and read a bounded number of bytes, so that
// root can read what a lesser user wrote (docs/adr/0001-store-of-files.md). A domain known to have no record is an
// empty file whose mtime says until when.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "core/ports.h"
#include "module/claims.h"
#include "module/log.h"

namespace mtasts {

// Any number of processes may use one directory at the same time; an object belongs to one thread. Problems are logged,
// each kind once an object.
class FileStore : public PolicyStore {
 public:
  // Nothing is opened yet. `log` must outlive the store.
  FileStore(std::string directory, Log& log);

  std::optional<CacheEntry> get(const Domain& domain) override;
  // Error kStoreUnavailable: rights, disk full, not a directory... The old entry is still there then.
  Result<void> put(const CacheEntry& entry) override;
  std::unique_ptr<Claim> claim(const Domain& domain, Turn turn) override { return claims_.take(domain, turn); }

  // True if there was an entry. Error kStoreUnavailable.
  Result<bool> remove(const Domain& domain);
  // Calls `visit` with every readable entry, in no particular order. Error kStoreUnavailable when the directory cannot
  // be listed.
  Result<void> for_each(const std::function<void(const CacheEntry&)>& visit);
  // Removes what is of no use any more: entries without a policy that ran out more than a day ago, such as of the many
  // domains without a record, and what killed writers left. An expired policy stays: the clock may be wrong.
  void tidy(Time now);
  // True at most once a `period` for one `name`, across processes; false when the store cannot be written.
  bool due(const std::string& name, std::chrono::seconds period);

 private:
  void warn_once(bool& warned, const std::string& line);

  std::string directory_;
  Claims claims_;
  Log& log_;
  bool warned_read_ = false;
  bool warned_write_ = false;
};

}  // namespace mtasts
