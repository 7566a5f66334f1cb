#include "module/store/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <memory>

#include "core/ascii.h"
#include "core/fnv1a.h"
#include "module/io/read_write.h"

namespace mtasts {

Descriptor open_directory(const std::string& path) {
  return Descriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

// O_NOFOLLOW guards only the last step, so on a kernel without openat2(2) (before 5.6) the two steps are opened one by
// one.
Descriptor open_below(int directory, const std::string& shard, const std::string& name, int flags) {
  struct open_how how {};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH | RESOLVE_NO_XDEV;
  const std::string path = shard + "/" + name;
  const auto fd = static_cast<int>(::syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how));
  if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) return Descriptor(fd);
  const Descriptor inner(::openat(directory, shard.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!inner) return Descriptor(-1);
  return Descriptor(::openat(inner.get(), name.c_str(), flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
}

std::string shard_name(unsigned shard) { return {ascii::hex_digit(shard >> 4U), ascii::hex_digit(shard)}; }

unsigned shard_number(const std::string& domain) {
  const std::uint32_t hash = fnv1a_32(domain);
  return (hash ^ (hash >> 16U)) & 255U;
}

std::string shard_of(const std::string& domain) { return shard_name(shard_number(domain)); }

Descriptor open_shard(int directory, const std::string& shard) {
  return Descriptor(::openat(directory, shard.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

Descriptor open_or_make_shard(int directory, const std::string& shard) {
  auto opened = open_shard(directory, shard);
  if (opened || errno != ENOENT) return opened;
  if (::mkdirat(directory, shard.c_str(), 0755) == 0) {
    if (::fchmodat(directory, shard.c_str(), 0755, 0) != 0) return Descriptor();  // whatever umask the process has
    ::fsync(directory);  // the name must survive a power cut like those of the entries
  } else if (errno != EEXIST) {
    return Descriptor();
  }
  return open_shard(directory, shard);
}

Descriptor open_own(int directory, const std::string& name, mode_t mode) {
  const auto open = [&](int more) {
    constexpr int kFlags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    return Descriptor(::openat(directory, name.c_str(), kFlags | more, mode));
  };
  auto file = open(0);
  struct stat status {};
  const bool ours = file && ::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 1;
  if (ours || (!file && errno != ELOOP)) return file;
  ::unlinkat(directory, name.c_str(), 0);
  return open(O_EXCL);
}

bool may_leave_files(int directory) {
  struct stat status {};
  return ::fstat(directory, &status) == 0 && (::geteuid() != 0 || status.st_uid == 0);
}

Descriptor open_lock_file(const std::string& directory, const char* name) {
  const auto store = open_directory(directory);
  struct stat status {};
  if (!store) return Descriptor();
  if (!may_leave_files(store.get()) && ::fstatat(store.get(), name, &status, AT_SYMLINK_NOFOLLOW) != 0)
    return Descriptor();
  return open_own(store.get(), name, 0600);
}

std::string temporary_name() {
  struct timespec clock {};
  ::clock_gettime(CLOCK_MONOTONIC, &clock);
  return std::string(kTemporary) + std::to_string(::getpid()) + "-" + std::to_string(clock.tv_nsec);
}

bool replace_file(int directory, const std::string& name, std::string_view bytes) {
  const std::string temporary = temporary_name();
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  const Descriptor file(::openat(directory, temporary.c_str(), kFlags, 0644));
  if (!file) return false;
  // Whatever umask the host has: the MTAs' users must be able to read it.
  const bool is_written = ::fchmod(file.get(), 0644) == 0 && write_all(file.get(), bytes);
  const bool is_replaced = is_written && ::renameat(directory, temporary.c_str(), directory, name.c_str()) == 0;
  if (!is_replaced) ::unlinkat(directory, temporary.c_str(), 0);
  return is_replaced;
}

namespace {

struct DirectoryCloser {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

}  // namespace

std::optional<std::vector<std::string>> names_in(int directory) {
  std::vector<std::string> names;
  Descriptor copy(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!copy) return std::nullopt;
  const std::unique_ptr<DIR, DirectoryCloser> listing(::fdopendir(copy.get()));
  if (!listing) return std::nullopt;
  [[maybe_unused]] const int owned_by_listing = copy.release();
  for (errno = 0; const dirent* item = ::readdir(listing.get()); errno = 0) {
    const std::string_view name = item->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return std::nullopt;
  return names;
}

bool is_far_from_now(int directory, const std::string& name, std::chrono::seconds distance) {
  struct stat status {};
  return ::fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
         std::abs(std::time(nullptr) - status.st_mtim.tv_sec) > distance.count();
}

}  // namespace mtasts
