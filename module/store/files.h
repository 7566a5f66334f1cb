// How the files of the store are found, opened and replaced. No function follows a symbolic link below the store's
// directory or waits for a FIFO. Errors are left in errno.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "module/io/descriptor.h"
#include "module/io/read_write.h"

namespace mtasts {

// The store itself: the administrator names it, so it may be a symbolic link.
Descriptor open_directory(const std::string& path);

// 256 directories keep each of them small at a million domains.
std::string shard_name(unsigned shard);
unsigned shard_number(const std::string& domain);
std::string shard_of(const std::string& domain);
Descriptor open_shard(int directory, const std::string& shard);
Descriptor open_or_make_shard(int directory, const std::string& shard);

// The file `name` of a shard. `flags` as for open(2); it never creates.
Descriptor open_below(int directory, const std::string& shard, const std::string& name, int flags);
// A small file of the store's own, created if it is missing. It is written in place, so nothing else may have its name,
// such as a second name of an entry: that is removed.
Descriptor open_own(int directory, const std::string& name, mode_t mode = 0644);

// False: root leaves no files in another user's store, who could not write them.
bool may_leave_files(int directory);

// For locks, created if it is missing; only its owner may open it, because whoever may open a file may lock it. root
// makes none in another user's store, who could not open it.
Descriptor open_lock_file(const std::string& directory, const char* name);

// What the name of a file begins with that is being written; the sweep removes those of writers that were killed.
inline constexpr std::string_view kTemporary = ".new-";
std::string temporary_name();
// Writes a file that readers of the store may read, whole, and renames it into place: whoever reads sees the old text
// or the new one. Not synced. False leaves the old file.
bool replace_file(int directory, const std::string& name, std::string_view bytes);

// All names but "." and ".."; nullopt: the directory cannot be listed.
std::optional<std::vector<std::string>> names_in(int directory);

// Is its mtime further than that from now? Also of what is from the future: the clock was wrong then.
bool is_far_from_now(int directory, const std::string& name, std::chrono::seconds distance);

}  // namespace mtasts
