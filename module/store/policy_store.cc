#include "module/store/policy_store.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <utility>

#include "core/fnv1a.h"
#include "module/io/read_write.h"
#include "module/io/wall_clock.h"
#include "module/store/files.h"
#include "module/store/group_ledger.h"

namespace mtasts {
namespace {

Descriptor open_to_use(int directory, const std::string& domain) {
  return open_below(directory, shard_of(domain), domain, O_RDONLY);
}

// A look that is no use leaves the access time alone; only the owner and root can ask for that.
Descriptor open_to_look(int directory, const std::string& domain) {
  const std::string shard = shard_of(domain);
  auto file = open_below(directory, shard, domain, O_RDONLY | O_NOATIME);
  return file || errno != EPERM ? std::move(file) : open_below(directory, shard, domain, O_RDONLY);
}

// An entry that says nothing but "no record until then" needs no bytes.
bool is_bare_absence(const CacheEntry& entry) {
  return entry.record.state == RecordMemory::State::kAbsent && !entry.policy && !entry.failure;
}

CacheEntry bare_absence(const Domain& domain, WallTime until) {
  return CacheEntry{domain, RecordMemory{RecordMemory::State::kAbsent, until, {}, {}}, std::nullopt, std::nullopt};
}

// An empty file cannot name its domain, and an entry that was cut to nothing looks the same. So the microseconds of the
// time that says until when are a number of the domain's own.
long absence_mark(const std::string& domain) {
  constexpr std::uint32_t kMicroseconds = 1'000'000;
  return static_cast<long>(1 + fnv1a_32(domain) % (kMicroseconds - 1)) * 1000;
}

// Some file systems keep whole seconds only.
bool is_marked(const timespec& time, const std::string& domain) {
  return time.tv_nsec == absence_mark(domain) || time.tv_nsec == 0;
}

struct FileTimes {
  timespec used{0, UTIME_NOW};
  timespec first{0, UTIME_NOW};
};

// Those of the entry that is about to be replaced. An empty file tells something else by its second time.
FileTimes times_of(int shard, const std::string& name) {
  FileTimes times;
  struct stat status {};
  if (::fstatat(shard, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode)) return times;
  times.used = status.st_atim;
  if (status.st_size > 0) times.first = status.st_mtim;
  return times;
}

// Writes the new file under a temporary name; false leaves errno.
bool write_entry(int shard, const std::string& temporary, const CacheEntry& entry, const FileTimes& kept) {
  const Descriptor file(::openat(shard, temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!file) return false;
  ::fchmod(file.get(), 0644);  // whatever umask the host has: the MTAs' users must be able to read it
  const bool bare = is_bare_absence(entry);
  const timespec until{entry.record.until.time_since_epoch().count(), absence_mark(entry.domain.text())};
  const std::array<timespec, 2> times{kept.used, bare ? until : kept.first};
  if (!bare && !write_all(file.get(), serialize(entry))) return false;
  if (::futimens(file.get(), times.data()) != 0) return false;
  // A policy must survive a power cut (R17); the rest can be asked for again.
  return !entry.policy || ::fsync(file.get()) == 0;
}

// Another process was faster: this one was stopped, or the disk kept it for long, after it had last looked (R17). No
// lookup drops a policy, so what has none was not written in the knowledge of the one that is there; if that one has
// expired, the clock may be wrong. A policy from the future is the work of a wrong clock.
bool is_superseded(const CacheEntry& entry, const std::optional<FileStore::Found>& stored) {
  if (!stored || !stored->entry || !stored->entry->policy) return false;
  if (!entry.policy) return true;
  const WallTime fetched = stored->entry->policy->fetched;
  return fetched > entry.policy->fetched && fetched <= now();
}

// An empty directory in the entry's place is no obstacle; one with something in it is somebody's.
bool rename_into_place(int shard, const std::string& temporary, const std::string& name) {
  const auto renamed = [&] { return ::renameat(shard, temporary.c_str(), shard, name.c_str()) == 0; };
  return renamed() || (errno == EISDIR && ::unlinkat(shard, name.c_str(), AT_REMOVEDIR) == 0 && renamed());
}

std::string remedy_for(int error, const std::string& directory) {
  if (error == EMFILE || error == ENFILE) return "raise the limit of open files";
  struct stat store {};
  if (error != EACCES || ::stat(directory.c_str(), &store) != 0) return "let this program's user read the store";
  const passwd* owner = ::getpwuid(store.st_uid);
  const group* readers = ::getgrgid(store.st_gid);
  // The lookup helper has no access to the names; a number would only look like one.
  const std::string user = owner != nullptr ? "the user " + std::string(owner->pw_name) : "its owner";
  const std::string group = readers != nullptr ? "the group " + std::string(readers->gr_name) : "its group";
  return "run this program as root, as " + user + " or in " + group + ", who may read the store (see ls -ld " +
         directory + ")";
}

constexpr std::chrono::hours kLeftAlone{24};  // a temporary file: no writer can be busy with an older one
constexpr std::chrono::hours kToldAgain{23};
constexpr std::chrono::hours kUseMarkedAgain{1};

void mark_use(int fd, WallTime last) {
  if (std::abs(std::time(nullptr) - last.time_since_epoch().count()) < std::chrono::seconds(kUseMarkedAgain).count())
    return;
  const std::array<timespec, 2> times{timespec{0, UTIME_NOW}, timespec{0, UTIME_OMIT}};
  [[maybe_unused]] const int not_ours = ::futimens(fd, times.data());
}

// A ledger of names that are all gone. One that cannot be read may have others.
bool is_empty_ledger(int directory, int shard, const std::string& name) {
  if (!name.starts_with(GroupLedger::kPrefix)) return false;
  const Descriptor file(::openat(shard, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  const auto names = file ? GroupLedger::read(file.get()) : std::nullopt;
  if (!names) return false;
  return std::ranges::none_of(*names, [directory](const auto& listed) {
    struct stat status {};
    const std::string path = shard_of(listed.first) + "/" + listed.first;
    return ::fstatat(directory, path.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
  });
}

// Whose entry a file of the shard is, readable or not; nullopt: it is none.
std::optional<Domain> entry_of(const std::string& name, unsigned shard) {
  auto domain = Domain::parse(name);
  return domain && domain->text() == name && shard_number(name) == shard ? std::optional(*std::move(domain))
                                                                         : std::nullopt;
}

}  // namespace

std::size_t stored_size(const CacheEntry& entry) { return is_bare_absence(entry) ? 0 : serialize(entry).size(); }

FileStore::FileStore(std::string directory, Log& log)
    : directory_(std::move(directory)), claims_(directory_), throttle_(directory_), usage_(directory_), log_(log) {}

void FileStore::warn(LogThrottle& fault, const LogLine& line) {
  if (fault.is_due()) log_.write(LogLevel::kWarning, line);
}

void FileStore::recovered(LogThrottle& fault, const std::string& what) {
  if (fault.recover())
    log_.write(LogLevel::kInfo, LogLine("store-recovered").field("directory", directory_).text("detail", what));
}

// A delivery tells it each time: the entry is about to be replaced, and its process may be root, who writes nothing
// here.
void FileStore::warn_of_damage(const Domain& domain, const std::string& reason, Purpose purpose) {
  if (purpose == Purpose::kUse || throttle_.is_due(throttle_name("damaged", domain), kToldAgain))
    log_.write(LogLevel::kWarning, LogLine("store-entry-damaged")
                                       .field("domain", domain.text())
                                       .text("reason", reason)
                                       .text("effect", "it will be looked up again"));
}

Result<std::optional<CacheEntry>> FileStore::get(const Domain& domain) {
  return read(domain, Purpose::kLook).map([](auto found) { return found ? std::move(found->entry) : std::nullopt; });
}

Result<std::optional<CacheEntry>> FileStore::use(const Domain& domain) {
  return read(domain, Purpose::kUse).map([](auto found) { return found ? std::move(found->entry) : std::nullopt; });
}

std::optional<FileStore::Found> FileStore::look(const Domain& domain) {
  return read(domain, Purpose::kLook).value_or(std::nullopt);
}

tl::unexpected<Error> FileStore::unreadable(const Domain& domain, int error) {
  return unreadable(domain, std::strerror(error), remedy_for(error, directory_));
}

// Not by a stamp in the store: what keeps an entry from being read may keep the stamp from being written.
tl::unexpected<Error> FileStore::unreadable(const Domain& domain, const std::string& why, const std::string& action) {
  warn(unreadable_, LogLine("store-entry-unreadable")
                        .field("domain", domain.text())
                        .text("error", why)
                        .text("effect", "mail to it is deferred")
                        .text("action", action));
  return fail(ErrorCode::kLocalFault,
              "what is cached of " + domain.text() + " in " + directory_ + " cannot be read: " + why + "; " + action);
}

// A store or a part of it that is not there holds nothing. Whatever else keeps us from looking says nothing about what
// is there. A link in the place of an entry is none of ours, and is replaced as other damage is.
Result<std::optional<FileStore::Found>> FileStore::read(const Domain& domain, Purpose purpose) {
  const auto directory = open_directory(directory_);
  if (!directory) {
    if (errno != ENOENT && errno != ENOTDIR) return unreadable(domain, errno);
    warn(missing_, LogLine("store-unavailable")
                       .field("directory", directory_)
                       .text("error", std::strerror(errno))
                       .text("effect", "nothing is cached between lookups"));
    return std::nullopt;
  }
  recovered(missing_, "it is there again");
  const std::string& name = domain.text();
  const bool is_use = purpose == Purpose::kUse;
  const auto file = is_use ? open_to_use(directory.get(), name) : open_to_look(directory.get(), name);
  if (!file) {
    if (errno == ENOENT) return std::nullopt;
    if (errno != ELOOP) return unreadable(domain, errno);
    warn_of_damage(domain, "it is a symbolic link", purpose);
    const WallTime now = from_epoch(std::time(nullptr));
    return Found{std::nullopt, now, now, 0};
  }
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return unreadable(domain, errno);
  const WallTime used = from_epoch(status.st_atim.tv_sec);
  const auto found = [&](std::optional<CacheEntry> entry) {
    return Found{std::move(entry), used, from_epoch(status.st_mtim.tv_sec), static_cast<std::uint64_t>(status.st_size)};
  };
  const auto damaged = [&](const std::string& reason) {
    warn_of_damage(domain, reason, purpose);
    return found(std::nullopt);
  };
  if (!S_ISREG(status.st_mode) || status.st_size > static_cast<off_t>(kMaxEntryBytes))
    return damaged("it is no regular file of at most " + std::to_string(kMaxEntryBytes) + " bytes");
  if (is_use) mark_use(file.get(), used);
  if (status.st_size == 0) {
    if (!is_marked(status.st_mtim, name)) return damaged("it is empty, and not because there is no record");
    return found(bare_absence(domain, from_epoch(status.st_mtim.tv_sec)));
  }
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  if (!read_all(file.get(), bytes)) return unreadable(domain, errno);
  auto entry = parse_cache_entry(bytes, domain);
  if (!entry && is_ours(entry.error().code))
    return unreadable(domain, entry.error().detail,
                      "run the version that wrote it, or remove it: mtasts cache purge " + domain.text());
  if (!entry) return damaged(entry.error().detail);
  return found(std::move(*entry));
}

Result<void> FileStore::put(const CacheEntry& entry) {
  const auto failed = [&](const char* step) {
    const std::string text = "cannot " + std::string(step) + " in " + directory_ + ": " + std::strerror(errno);
    warn(unwritable_, LogLine("store-unwritable").text("error", text).text("effect", "nothing new is cached on disk"));
    return fail(ErrorCode::kStoreUnavailable, text);
  };
  if (const auto old = read(entry.domain, Purpose::kLook); !old) return tl::unexpected(old.error());
  const auto directory = open_directory(directory_);
  if (!directory) return failed("open the store");
  const std::string& name = entry.domain.text();
  const auto shard = open_or_make_shard(directory.get(), shard_of(name));
  if (!shard) return failed("open a directory");
  const std::string temporary = temporary_name();
  const auto given_up = [&] {
    const int error = errno;
    ::unlinkat(shard.get(), temporary.c_str(), 0);
    errno = error;
    return failed("write an entry");
  };
  if (!write_entry(shard.get(), temporary, entry, times_of(shard.get(), name))) return given_up();
  const auto stored = read(entry.domain, Purpose::kLook);
  if (!stored || is_superseded(entry, *stored)) {
    ::unlinkat(shard.get(), temporary.c_str(), 0);
    return stored ? Result<void>() : tl::unexpected(stored.error());
  }
  if (!rename_into_place(shard.get(), temporary, name)) return given_up();
  if (entry.policy) ::fsync(shard.get());  // its name, too, survives a power cut
  recovered(unwritable_, "it can be written again");
  return {};
}

Result<FileStore::Removal> FileStore::remove(const Domain& domain) {
  const auto directory = open_directory(directory_);
  if (directory) {
    const auto shard = open_shard(directory.get(), shard_of(domain.text()));
    if (shard && ::unlinkat(shard.get(), domain.text().c_str(), 0) == 0) {
      GroupLedger::unlist(directory_, domain.text(), usage_);
      return Removal::kRemoved;
    }
  }
  if (errno == ENOENT && directory) return Removal::kNotThere;
  return fail(ErrorCode::kStoreUnavailable,
              "cannot remove " + domain.text() + " from " + directory_ + ": " + std::strerror(errno));
}

Result<std::size_t> FileStore::remove_all() {
  if (const auto listed = can_be_listed(); !listed) return tl::unexpected(listed.error());
  Result<std::size_t> removed = 0;  // or the last failure: one that cannot go keeps no other
  for (unsigned shard = 0; shard < kShards; ++shard) {
    const auto names = names_in_shard(shard);
    if (!names) removed = tl::unexpected(names.error());
    for (const auto& name : names.value_or(std::vector<std::string>{})) {
      const auto domain = entry_of(name, shard);
      if (!domain) continue;
      const auto gone = remove(*domain);
      if (!gone) removed = tl::unexpected(gone.error());
      if (gone == Removal::kRemoved && removed) ++*removed;
    }
    usage_.set(shard, {});
  }
  return removed;
}

Result<void> FileStore::can_be_listed() const {
  if (open_directory(directory_)) return {};
  const int error = errno;
  return fail(ErrorCode::kStoreUnavailable, "cannot list " + directory_ + ": " + std::strerror(error) +
                                                (error == EACCES ? "; " + remedy_for(error, directory_) : ""));
}

Result<void> FileStore::for_each(const Visit& visit) {
  if (auto listed = can_be_listed(); !listed) return listed;
  Result<void> all;
  for (unsigned shard = 0; shard < kShards; ++shard) {
    auto part = list(shard);
    if (part) go_on(*part, part->left.size(), visit, [](const Domain&, WallTime) {});
    auto visited = part ? std::move(part->visited) : tl::unexpected(part.error());
    if (!visited) all = std::move(visited);
  }
  return all;
}

Result<FileStore::Part> FileStore::list(unsigned shard) {
  auto names = names_in_shard(shard);
  if (!names) {
    unlistable_shards_.insert(shard);
    warn(unlistable_, LogLine("store-unlistable")
                          .text("error", names.error().detail)
                          .text("effect", "what is cached there is neither refreshed nor dropped"));
    return tl::unexpected(names.error());
  }
  if (unlistable_shards_.erase(shard) > 0 && unlistable_shards_.empty())
    recovered(unlistable_, "all parts of it can be listed again");
  return Part{shard, *std::move(names)};
}

void FileStore::go_on(Part& part, std::size_t most, const Visit& visit, const VisitDamaged& damaged) {
  for (; most > 0 && !part.left.empty(); --most) {
    const std::string name = std::move(part.left.back());
    part.left.pop_back();
    if (const auto domain = entry_of(name, part.shard))
      visit_entry(part, *domain, visit, damaged);
    else
      part.counted += visit_other(part.shard, name);
  }
  if (part.left.empty() && part.visited) usage_.set(part.shard, part.counted);
}

void FileStore::visit_entry(Part& part, const Domain& domain, const Visit& visit, const VisitDamaged& damaged) {
  const auto found = read(domain, Purpose::kLook);
  if (!found) part.visited = tl::unexpected(found.error());
  if (!found || !*found) return;
  part.counted += {1, bytes_on_disk((*found)->bytes)};
  const auto& entry = (*found)->entry;
  entry ? visit(*entry, (*found)->used) : damaged(domain, (*found)->used);
}

// Removes what a killed writer left, and a ledger of names that are all gone. What a ledger takes that stays. Waits for
// nobody: a taken-over lookup helper could hold the lock for ever.
Usage FileStore::visit_other(unsigned shard, const std::string& name) const {
  const auto directory = open_directory(directory_);
  const auto part = directory ? open_shard(directory.get(), shard_name(shard)) : Descriptor();
  if (!part) return {};
  const auto is_empty = [&] {
    return is_far_from_now(part.get(), name, kLeftAlone) && is_empty_ledger(directory.get(), part.get(), name);
  };
  if (name.starts_with(kTemporary)) {
    if (is_far_from_now(part.get(), name, kLeftAlone)) ::unlinkat(part.get(), name.c_str(), 0);
  } else if (is_empty()) {
    const LedgerLock lock(directory_, shard, std::chrono::milliseconds(0));  // another may be about to put a name there
    if (lock.is_held() && is_empty()) ::unlinkat(part.get(), name.c_str(), 0);
  }
  struct stat status {};
  const bool is_ledger =
      name.starts_with(GroupLedger::kPrefix) && ::fstatat(part.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
  return is_ledger ? GroupLedger::usage_of(static_cast<std::uint64_t>(status.st_size)) : Usage{};
}

Result<std::vector<std::string>> FileStore::names_in_shard(unsigned shard) const {
  const std::string part = shard_name(shard);
  const auto directory = open_directory(directory_);
  const auto opened = directory ? open_shard(directory.get(), part) : Descriptor();
  if (directory && !opened && errno == ENOENT) return {};
  auto names = opened ? names_in(opened.get()) : std::nullopt;
  if (names) return *std::move(names);
  return fail(ErrorCode::kStoreUnavailable, "cannot list " + directory_ + "/" + part + ": " + std::strerror(errno));
}

}  // namespace mtasts
