// Directories that are written in, and files that are replaced whole. A process that is killed, or a full disk, leaves
// the old file or the new one. With root's rights nothing is done below a directory that somebody else can write.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"
#include "module/io/descriptor.h"

namespace mtasts::publish {

// Errors of all functions: kStoreUnavailable: the file system does not let us, and names the directory; kConfig: it is
// not safe, and what to do.

enum class IfMissing { kFail, kMake };

// An opened directory and what a person calls it.
struct Folder {
  Descriptor fd;
  std::string path;
};

// nullopt: it is missing, and shall not be made. `mode`: of what is made.
Result<std::optional<Folder>> open_folder(const std::string& path, IfMissing if_missing, mode_t mode);
// One step below; no symbolic link is followed.
Result<std::optional<Folder>> open_below(const Folder& folder, const std::string& name, IfMissing if_missing);

// nullopt: there is no such file. Of a longer one the first `limit` bytes.
Result<std::optional<std::string>> read_file(const Folder& folder, const std::string& name, std::size_t limit);

enum class Survives {
  kKill,      // of this process
  kPowerCut,  // too
};
Result<void> replace_file(const Folder& folder, const std::string& name, std::string_view bytes, mode_t mode,
                          Survives survives);

Result<void> remove_file(const Folder& folder, const std::string& name);

}  // namespace mtasts::publish
