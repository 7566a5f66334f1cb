// Numbers to which all who share the store add, until one of them says how many it is: the file `.lost-<name>` in the
// store's directory for each.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

namespace mtasts {

// Any number of processes may use one directory at the same time; nobody waits for another.
class SharedTally {
 public:
  explicit SharedTally(std::string directory) : directory_(std::move(directory)) {}

  // `name` becomes a part of a file name. False: the directory cannot be written, or another process is at the number;
  // root adds nothing to another user's store.
  bool add(const std::string& name, std::uint64_t count);
  // What was added since it was last taken; 0 where it cannot be taken.
  std::uint64_t take(const std::string& name);

 private:
  // What the number was; nullopt: it cannot be changed.
  std::optional<std::uint64_t> change(const std::string& name,
                                      const std::function<std::uint64_t(std::uint64_t)>& changed);

  std::string directory_;
};

}  // namespace mtasts
