#include "module/policy_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <utility>

#include "module/descriptor.h"

namespace mtasts {
namespace {

// The directory itself is the administrator's word and may be a symbolic link; nothing below it may.
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

// 256 directories keep each of them small at a million domains.
std::string shard_of(const std::string& domain) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::uint32_t hash = 2'166'136'261U;  // FNV-1a
  for (const char c : domain) hash = (hash ^ static_cast<unsigned char>(c)) * 16'777'619U;
  hash ^= hash >> 16U;
  return {kHex[(hash >> 4U) & 15U], kHex[hash & 15U]};
}

bool read_all(int fd, std::string& bytes) {
  std::size_t have = 0;
  while (have < bytes.size()) {
    const auto got = ::read(fd, bytes.data() + have, bytes.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  return true;
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

// An entry that says nothing but "no record until then" needs no bytes.
bool is_bare_absence(const CacheEntry& entry) {
  return entry.record.state == RecordMemory::State::kAbsent && !entry.policy && !entry.failure;
}

CacheEntry bare_absence(const Domain& domain, Time until) {
  return CacheEntry{domain, RecordMemory{RecordMemory::State::kAbsent, until, {}, {}}, std::nullopt, std::nullopt};
}

Time from_epoch(std::int64_t count) { return Time(std::chrono::seconds(count)); }

constexpr std::string_view kTemporary = ".new-";

std::string temporary_name() {
  struct timespec clock {};
  ::clock_gettime(CLOCK_MONOTONIC, &clock);
  return std::string(kTemporary) + std::to_string(::getpid()) + "-" + std::to_string(clock.tv_nsec);
}

// Writes the new file under a temporary name; false leaves errno.
bool write_entry(int shard, const std::string& name, const CacheEntry& entry) {
  const Descriptor file(::openat(shard, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!file) return false;
  ::fchmod(file.get(), 0644);  // whatever umask the host has: the MTAs' users must be able to read it
  if (is_bare_absence(entry)) {
    const std::array<timespec, 2> times{timespec{0, UTIME_OMIT},
                                        timespec{entry.record.until.time_since_epoch().count(), 0}};
    return ::futimens(file.get(), times.data()) == 0;
  }
  // A policy must survive a power cut (R17); the rest can be asked for again.
  return write_all(file.get(), serialize(entry)) && (!entry.policy || ::fsync(file.get()) == 0);
}

constexpr std::chrono::hours kOfNoUseAfter{24};

bool is_of_use(const CacheEntry& entry, Time now) {
  const Time last = std::max(entry.record.until, entry.failure ? entry.failure->retry_at : Time{});
  return entry.policy || now - last < kOfNoUseAfter;
}

// True for a temporary file that no writer can still be busy with.
bool is_leftover(int shard, const std::string& name, Time now) {
  struct stat status {};
  return name.starts_with(kTemporary) && ::fstatat(shard, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
         now - from_epoch(status.st_mtim.tv_sec) > kOfNoUseAfter;
}

struct DirectoryCloser {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

std::vector<std::string> names_in(int directory) {
  std::vector<std::string> names;
  Descriptor copy(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!copy) return names;
  const std::unique_ptr<DIR, DirectoryCloser> listing(::fdopendir(copy.get()));
  if (!listing) return names;
  [[maybe_unused]] const int owned_by_listing = copy.release();
  while (const dirent* item = ::readdir(listing.get())) {
    const std::string_view name = item->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  return names;
}

}  // namespace

FileStore::FileStore(std::string directory, Log& log)
    : directory_(std::move(directory)), claims_(directory_), log_(log) {}

void FileStore::warn_once(bool& warned, const std::string& line) {
  if (!warned) log_.write(LogLevel::kWarning, line);
  warned = true;
}

std::optional<CacheEntry> FileStore::get(const Domain& domain) {
  const auto directory = open_directory(directory_);
  if (!directory) {
    warn_once(warned_read_, "event=store-unavailable directory=" + directory_ + " error=\"" + std::strerror(errno) +
                                "\" effect=\"nothing is remembered between lookups\"");
    return std::nullopt;
  }
  const auto file = open_below(directory.get(), shard_of(domain.text()), domain.text(), O_RDONLY);
  if (!file) {
    if (errno != ENOENT)
      warn_once(warned_read_,
                "event=store-entry-unreadable domain=" + domain.text() + " error=\"" + std::strerror(errno) + "\"");
    return std::nullopt;
  }
  struct stat status {};
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode) ||
      status.st_size > static_cast<off_t>(kMaxEntryBytes)) {
    warn_once(warned_read_, "event=store-entry-refused domain=" + domain.text() +
                                " reason=\"not a regular file of at most " + std::to_string(kMaxEntryBytes) +
                                " bytes\"");
    return std::nullopt;
  }
  if (status.st_size == 0) return bare_absence(domain, from_epoch(status.st_mtim.tv_sec));
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  if (!read_all(file.get(), bytes)) return std::nullopt;
  auto entry = parse_cache_entry(bytes, domain);
  if (!entry) {
    log_.write(LogLevel::kWarning, "event=store-entry-damaged domain=" + domain.text() + " reason=" +
                                       quoted(entry.error().detail) + " effect=\"it will be looked up again\"");
    return std::nullopt;
  }
  return std::move(*entry);
}

Result<void> FileStore::put(const CacheEntry& entry) {
  const auto failed = [&](const char* step) {
    const std::string text = "cannot " + std::string(step) + " in " + directory_ + ": " + std::strerror(errno);
    warn_once(warned_write_,
              "event=store-unwritable error=\"" + text + "\" effect=\"nothing is remembered between lookups\"");
    return fail(ErrorCode::kStoreUnavailable, text);
  };
  const auto directory = open_directory(directory_);
  if (!directory) return failed("open the store");
  const std::string shard_name = shard_of(entry.domain.text());
  if (::mkdirat(directory.get(), shard_name.c_str(), 0755) == 0) {
    if (::fchmodat(directory.get(), shard_name.c_str(), 0755, 0) != 0) return failed("open a directory to readers");
  } else if (errno != EEXIST) {
    return failed("make a directory");
  }
  const Descriptor shard(
      ::openat(directory.get(), shard_name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!shard) return failed("open a directory");
  const std::string temporary = temporary_name();
  if (!write_entry(shard.get(), temporary, entry) ||
      ::renameat(shard.get(), temporary.c_str(), shard.get(), entry.domain.text().c_str()) != 0) {
    const int error = errno;
    ::unlinkat(shard.get(), temporary.c_str(), 0);
    errno = error;
    return failed("write an entry");
  }
  return {};
}

Result<bool> FileStore::remove(const Domain& domain) {
  const auto directory = open_directory(directory_);
  if (directory) {
    const Descriptor shard(
        ::openat(directory.get(), shard_of(domain.text()).c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (shard && ::unlinkat(shard.get(), domain.text().c_str(), 0) == 0) return true;
  }
  if (errno == ENOENT && directory) return false;
  return fail(ErrorCode::kStoreUnavailable,
              "cannot remove " + domain.text() + " from " + directory_ + ": " + std::strerror(errno));
}

Result<void> FileStore::for_each(const std::function<void(const CacheEntry&)>& visit) {
  const auto directory = open_directory(directory_);
  if (!directory) return fail(ErrorCode::kStoreUnavailable, "cannot list " + directory_ + ": " + std::strerror(errno));
  for (const auto& shard_name : names_in(directory.get())) {
    const Descriptor shard(
        ::openat(directory.get(), shard_name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!shard) continue;
    for (const auto& name : names_in(shard.get())) {
      const auto domain = Domain::parse(name);
      if (!domain || domain->text() != name || shard_of(name) != shard_name) continue;
      if (const auto entry = get(*domain)) visit(*entry);
    }
  }
  return {};
}

void FileStore::tidy(Time now) {
  const auto directory = open_directory(directory_);
  if (!directory) return;
  for (const auto& shard_name : names_in(directory.get())) {
    const Descriptor shard(
        ::openat(directory.get(), shard_name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!shard) continue;
    for (const auto& name : names_in(shard.get())) {
      if (is_leftover(shard.get(), name, now)) ::unlinkat(shard.get(), name.c_str(), 0);
    }
  }
  [[maybe_unused]] const auto listed = for_each([&](const CacheEntry& entry) {
    if (is_of_use(entry, now)) return;
    [[maybe_unused]] const auto removed = remove(entry.domain);  // not ours to write: then it stays
  });
}

bool FileStore::due(const std::string& name, std::chrono::seconds period) {
  const auto directory = open_directory(directory_);
  if (!directory) return false;
  const Descriptor stamp(::openat(directory.get(), (".due-" + name).c_str(),
                                  O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644));
  struct stat status {};
  if (!stamp || ::fstat(stamp.get(), &status) != 0) return false;
  const std::int64_t now = std::time(nullptr);
  const bool fresh = status.st_size == 0;  // just made
  // A file's time can be a moment ahead of time(2), which may not be taken for a clock that was set back.
  if (!fresh && std::abs(now - status.st_mtim.tv_sec) < period.count()) return false;
  return ::pwrite(stamp.get(), "x", 1, 0) == 1;
}

}  // namespace mtasts
