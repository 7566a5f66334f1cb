// The folder of the state: one writer at a time, every file replaced whole.
#pragma once

#include "adapters/cli/publish/folders.h"
#include "adapters/cli/publish/state.h"

namespace mtasts::publish {

class StateFolder {
 public:
  enum class Use {
    kRead,   // nothing is made; a folder that is missing is an empty state
    kWrite,  // nobody else writes as long as this lives
  };
  // Error kNotTried: somebody else writes now; else those of folders.h.
  static Result<StateFolder> open(const std::string& path, Use use);

  // Errors also those of parse_state(), with the folder's name.
  [[nodiscard]] Result<State> load() const;
  [[nodiscard]] Result<void> save(const State& state) const;

 private:
  StateFolder(std::string path, std::optional<Folder> folder, Descriptor lock)
      : path_(std::move(path)), folder_(std::move(folder)), lock_(std::move(lock)) {}

  std::string path_;
  std::optional<Folder> folder_;
  Descriptor lock_;
};

}  // namespace mtasts::publish
