#include "module/store/group_ledger.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <numeric>

#include "core/ascii.h"
#include "module/io/read_write.h"
#include "module/store/files.h"

namespace mtasts {
namespace {

constexpr off_t kMaxBytes = 4 * 1024 * 1024;
constexpr std::int64_t kMaxOfName = 999'999'999'999;

void read_line(std::string_view line, GroupLedger::Names& names) {
  const std::size_t space = std::min(line.find(' '), line.size());
  const auto bytes = ascii::number(line.substr(std::min(space + 1, line.size())), kMaxOfName);
  if (space > 0 && bytes) names.emplace(line.substr(0, space), *bytes);
}

// The file that lists these.
Usage size_of(const GroupLedger::Names& names) {
  std::uint64_t size = 0;
  for (const auto& [name, bytes] : names) {
    size += name.size() + sizeof " 0\n" - 1;
    for (auto more = bytes / 10; more > 0; more /= 10) ++size;
  }
  return names.empty() ? Usage{} : GroupLedger::usage_of(size);
}

std::string file_of(const std::string& registrable_domain) { return GroupLedger::kPrefix + registrable_domain; }

// nullopt: it cannot be read. A link in its place is none of ours, and is replaced.
std::optional<GroupLedger::Names> read_named(int shard, const std::string& name) {
  const Descriptor file(::openat(shard, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (file) return GroupLedger::read(file.get());
  return errno == ENOENT || errno == ELOOP ? std::optional(GroupLedger::Names{}) : std::nullopt;
}

}  // namespace

LedgerLock::LedgerLock(const std::string& directory, unsigned shard, std::chrono::milliseconds timeout)
    : file_(open_lock_file(directory, ".ledgers")) {
  if (file_) lock_.emplace(file_.get(), static_cast<off_t>(shard), 1, timeout);
}

GroupLedger::GroupLedger(const std::string& directory, const std::string& registrable_domain,
                         std::chrono::milliseconds lock_timeout)
    : domain_(registrable_domain), lock_(directory, shard_number(registrable_domain), lock_timeout) {
  const auto store = open_directory(directory);
  if (store) shard_ = open_or_make_shard(store.get(), shard_of(domain_));
  if (shard_) stored_ = read_named(shard_.get(), file_of(domain_));
  if (stored_) names_ = *stored_;
}

// Which of its parents is the registrable domain, only the public suffix list tells; which has a ledger, the store.
void GroupLedger::unlist(const std::string& directory, const std::string& name, UsageFile& usage) {
  const auto store = open_directory(directory);
  for (auto dot = name.find('.'); store && dot != std::string::npos; dot = name.find('.', dot + 1)) {
    const std::string parent = name.substr(dot + 1);
    struct stat status {};
    const std::string path = shard_of(parent) + "/" + file_of(parent);
    if (::fstatat(store.get(), path.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    GroupLedger ledger(directory, parent, std::chrono::milliseconds(0));
    if (ledger.lock_.is_held() && ledger.names_.erase(name) > 0) ledger.save(usage);
  }
}

Usage GroupLedger::usage_of(std::uint64_t file_size) { return {1, bytes_on_disk(file_size, kMaxBytes)}; }

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
  return std::accumulate(names_.begin(), names_.end(), size_of(names_).bytes,
                         [](std::int64_t sum, const auto& name) { return sum + name.second; });
}

void GroupLedger::save(UsageFile& usage) {
  if (!stored_ || names_ == *stored_) return;
  std::string text;
  for (const auto& [name, bytes] : names_) text += name + " " + std::to_string(bytes) + "\n";
  const std::string file = file_of(domain_);
  const bool is_saved =
      names_.empty() ? ::unlinkat(shard_.get(), file.c_str(), 0) == 0 : replace_file(shard_.get(), file, text);
  if (!is_saved) return;
  usage.add(shard_number(domain_), size_of(names_) - size_of(*stored_));
  stored_ = names_;
}

}  // namespace mtasts
