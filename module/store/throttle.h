// Warnings that whoever shares the store gives once a period: a stamp for each, the file `.due-<name>` in the store's
// directory, whose mtime says when it was last given.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "core/domain.h"

namespace mtasts {

// A name for a warning about one domain. Strangers cannot make up another domain that has the same one, which would
// keep this warning from being given.
std::string throttle_name(const std::string& warning, const Domain& domain);

// Any number of processes may use one directory at the same time.
class SharedThrottle {
 public:
  explicit SharedThrottle(std::string directory) : directory_(std::move(directory)) {}

  // True at most once a `period` for one `name`, which becomes a part of a file name; false when the directory cannot
  // be written.
  bool is_due(const std::string& name, std::chrono::seconds period);
  enum class Due {
    kDue,         // and for a `period` no more
    kNotDue,      // somebody has given the warning within `period`
    kCannotKeep,  // nobody is known to have given it, and no stamp can be left that it is given now
  };
  // For a warning that must not be lost where no stamp can be left. root leaves none in another user's store, where
  // that user could not renew it.
  Due due(const std::string& name, std::chrono::seconds period);
  // The stamps that there are.
  [[nodiscard]] std::vector<std::string> stamps() const;
  // Takes the last `most` off such a list and removes those that nobody asked about for two days.
  void remove_old(std::vector<std::string>& stamps, std::size_t most);

 private:
  std::string directory_;
};

}  // namespace mtasts
