// How much the store holds, counted per shard in the file `.usage`: no writer has to list the store. The numbers are an
// estimate between two sweeps, each of which counts again: a writer that is killed, or an entry that was removed by
// hand, leaves a small error behind.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "core/cache_entry.h"
#include "module/io/descriptor.h"

namespace mtasts {

struct Usage {
  std::int64_t entries = 0;  // and ledgers (group_ledger.h)
  std::int64_t bytes = 0;    // on disk: every file in whole blocks

  Usage& operator+=(const Usage& more) {
    entries += more.entries;
    bytes += more.bytes;
    return *this;
  }
  friend Usage operator-(const Usage& one, const Usage& other) {
    return {one.entries - other.entries, one.bytes - other.bytes};
  }
  friend bool operator==(const Usage&, const Usage&) = default;
};

// What a file of this size takes. An empty one takes no block. What is larger than an entry can be is damaged, and goes
// when its domain is looked up again: it must not make the store full until then.
inline std::int64_t bytes_on_disk(std::uint64_t size, std::uint64_t most = kMaxEntryBytes) {
  constexpr std::uint64_t kBlock = 4096;
  return static_cast<std::int64_t>((std::min(size, most) + kBlock - 1) / kBlock * kBlock);
}

class UsageFile {
 public:
  static constexpr unsigned kShards = 256;

  // Creates nothing yet. `directory`: of the store.
  explicit UsageFile(std::string directory) : directory_(std::move(directory)) {}

  // nullopt: it cannot be read.
  std::optional<std::array<Usage, kShards>> read();
  // What cannot be written is not counted; the next sweep fixes that.
  void add(unsigned shard, const Usage& more);
  void set(unsigned shard, const Usage& counted);

 private:
  // root makes none in another user's store, who could not write it.
  int file();
  std::string directory_;
  Descriptor file_;
};

}  // namespace mtasts
