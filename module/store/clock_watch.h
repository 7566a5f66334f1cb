// Whether the wall clock can be believed by whoever throws away what is old: by a clock that is wrong, everything is.
#pragma once

#include <optional>
#include <string>

#include "core/time.h"

namespace mtasts {

// The file `.clock` in the store's directory.
class ClockWatch {
 public:
  explicit ClockWatch(std::string directory) : directory_(std::move(directory)) {}

  // To be asked once a round through the store. True when the clock has gone on from round to round for a week without
  // a leap of more than two days; false also when the directory cannot be written.
  bool is_steady(WallTime now);
  // When a round last asked that; nullopt: none has, or the file cannot be read.
  [[nodiscard]] std::optional<WallTime> last_round() const;

 private:
  std::string directory_;
};

}  // namespace mtasts
