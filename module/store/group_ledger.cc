#include "module/store/group_ledger.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <numeric>

#include "module/store/files.h"

namespace mtasts {
namespace {

constexpr off_t kMaxBytes = 4 * 1024 * 1024;

void read_line(std::string_view line, GroupLedger::Names& names) {
  const std::size_t space = line.find(' ');
  std::int64_t bytes = 0;
  if (space == std::string_view::npos || space == 0) return;
  if (std::from_chars(line.data() + space + 1, line.data() + line.size(), bytes).ec != std::errc{} || bytes < 0) return;
  names.emplace(line.substr(0, space), bytes);
}

}  // namespace

GroupLedger::GroupLedger(const std::string& directory, const std::string& registrable_domain) {
  const auto store = open_directory(directory);
  const auto shard = store ? open_or_make_shard(store.get(), shard_of(registrable_domain)) : Descriptor();
  if (shard) file_ = open_own(shard.get(), kPrefix + registrable_domain);
  if (file_) names_ = read(file_.get());
}

GroupLedger::Names GroupLedger::read(int file) {
  struct stat status {};
  if (::fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) return {};
  std::string text(static_cast<std::size_t>(std::min<off_t>(status.st_size, kMaxBytes)), '\0');
  if (!read_all(file, text)) return {};
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
  if (!file_) return;
  std::string text;
  for (const auto& [name, bytes] : names_) text += name + " " + std::to_string(bytes) + "\n";
  if (::ftruncate(file_.get(), 0) != 0 || ::lseek(file_.get(), 0, SEEK_SET) != 0) return;
  [[maybe_unused]] const bool saved = write_all(file_.get(), text);
}

}  // namespace mtasts
