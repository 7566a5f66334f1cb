// The names below one registrable domain that the store holds, in the file `.of-<registrable domain>` of its shard: one
// a line, and the bytes that it takes on disk. Only names below: the registrable domain itself is one entry at most.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "module/io/descriptor.h"

namespace mtasts {

class GroupLedger {
 public:
  static constexpr const char* kPrefix = ".of-";
  using Names = std::map<std::string, std::int64_t>;  // and their bytes

  // Reads it; one that is missing or damaged is empty.
  GroupLedger(const std::string& directory, const std::string& registrable_domain);

  // Of an open file. What is beyond 4 MiB is dropped.
  static Names read(int file);

  Names& names() { return names_; }
  [[nodiscard]] std::int64_t bytes() const;
  // What cannot be written is not counted.
  void save();

 private:
  Descriptor file_;
  Names names_;
};

}  // namespace mtasts
