// Files of the host's configuration, read and replaced whole, with no step through a place that somebody else can
// change: every directory on the way must belong to root (or to the caller) and be writable by nobody else, or a
// symbolic link planted there could lead elsewhere. Symbolic links of the administrator's are followed.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace mtasts::setup {

// Who else may own the last directory: Debian's /etc/mail belongs to smmta. There, no symbolic link is followed.
struct Folder {
  std::string owner{};  // a user's name, or "" for none
};

// The bytes, or nothing when there is no such file. Error kConfig for everything else: a file that cannot be read is
// never taken for a missing one.
Result<std::optional<std::string>> read_file(const std::string& root, const std::string& path);

// Replaces or makes the file: the new one is complete before it gets the name, and keeps owner, group and mode of the
// old; a file that is new belongs to root and has `mode`. Missing directories are made, mode 0755.
Result<void> write_file(const std::string& root, const std::string& path, std::string_view bytes, const Folder& folder,
                        mode_t mode = 0644);

// The new file beside the old, so that the host's own program can look at it. Returns its path on the machine;
// remove_file() it.
Result<std::string> write_candidate(const std::string& root, const std::string& path, std::string_view bytes,
                                    const Folder& folder);

// A file that is missing already is fine.
Result<void> remove_file(const std::string& root, const std::string& path, const Folder& folder);

// A directory of its own for `owner`, read by nobody else but `group` (mode 0750); one that is there must be his, and
// is closed to others where everybody could read it. All above it must be root's.
Result<void> make_folder(const std::string& root, const std::string& path, const std::string& owner,
                         const std::string& group);

}  // namespace mtasts::setup
