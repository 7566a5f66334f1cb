#include "module/store/group_ledger.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <numeric>

#include "core/ascii.h"
#include "module/store/files.h"

namespace mtasts {
namespace {

constexpr off_t kMaxBytes = 4 * 1024 * 1024;
// Longer than it takes to make room for a name.
constexpr std::chrono::milliseconds kLockTimeout{200};
constexpr std::int64_t kMaxOfName = 999'999'999'999;

void read_line(std::string_view line, GroupLedger::Names& names) {
  const std::size_t space = std::min(line.find(' '), line.size());
  const auto bytes = ascii::number(line.substr(std::min(space + 1, line.size())), kMaxOfName);
  if (space > 0 && bytes) names.emplace(line.substr(0, space), *bytes);
}

// nullopt: it cannot be read. A link in its place is none of ours, and is replaced.
std::optional<GroupLedger::Names> read_named(int shard, const std::string& name) {
  const Descriptor file(::openat(shard, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (file) return GroupLedger::read(file.get());
  return errno == ENOENT || errno == ELOOP ? std::optional(GroupLedger::Names{}) : std::nullopt;
}

}  // namespace

LedgerLock::LedgerLock(const std::string& directory, unsigned shard) : file_(open_lock_file(directory, ".ledgers")) {
  if (file_) lock_.emplace(file_.get(), static_cast<off_t>(shard), 1, kLockTimeout);
}

GroupLedger::GroupLedger(const std::string& directory, const std::string& registrable_domain)
    : name_(kPrefix + registrable_domain), lock_(directory, shard_number(registrable_domain)) {
  const auto store = open_directory(directory);
  if (store) shard_ = open_or_make_shard(store.get(), shard_of(registrable_domain));
  if (shard_) stored_ = read_named(shard_.get(), name_);
  if (stored_) names_ = *stored_;
}

std::optional<GroupLedger::Names> GroupLedger::read(int file) {
  struct stat status {};
  if (::fstat(file, &status) != 0) return std::nullopt;
  if (!S_ISREG(status.st_mode)) return Names{};
  std::string text(static_cast<std::size_t>(std::min<off_t>(status.st_size, kMaxBytes)), '\0');
  if (!read_all(file, text)) return std::nullopt;
  Names names;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    read_line(rest.substr(0, end), names);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return names;
}

std::int64_t GroupLedger::bytes() const {
  return std::accumulate(names_.begin(), names_.end(), std::int64_t{0},
                         [](std::int64_t sum, const auto& name) { return sum + name.second; });
}

void GroupLedger::save() {
  if (!stored_ || names_ == *stored_) return;
  std::string text;
  for (const auto& [name, bytes] : names_) text += name + " " + std::to_string(bytes) + "\n";
  if (replace_file(shard_.get(), name_, text)) stored_ = names_;
}

}  // namespace mtasts
