#include "module/store/usage.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "core/ascii.h"
#include "module/io/read_write.h"
#include "module/store/files.h"
#include "module/store/range_lock.h"

namespace mtasts {
namespace {

constexpr const char* kName = ".usage";
constexpr std::size_t kDigits = 15;
constexpr std::int64_t kMax = 999'999'999'999'999;
constexpr std::size_t kRecord = 32;  // two numbers of kDigits, a space between them and a line's end after

// A damaged number counts as 0.
Usage parse(std::string_view text) {
  const auto number = [text](std::size_t at) {
    return ascii::number(ascii::trimmed(text.substr(at, kDigits)), kMax).value_or(0);
  };
  return {number(0), number(kDigits + 1)};
}

void write_record(int file, off_t at, const Usage& usage) {
  const auto shown = [](std::int64_t number) {
    const std::string digits = std::to_string(std::clamp<std::int64_t>(number, 0, kMax));
    return std::string(kDigits - digits.size(), ' ') + digits;
  };
  const std::string text = shown(usage.entries) + " " + shown(usage.bytes) + "\n";
  [[maybe_unused]] const auto written = ::pwrite(file, text.data(), text.size(), at);
}

off_t place_of(unsigned shard) { return static_cast<off_t>(shard * kRecord); }

}  // namespace

int UsageFile::file() {
  if (file_) return file_.get();
  const auto directory = open_directory(directory_);
  if (!directory || !may_leave_files(directory.get())) return -1;
  file_ = open_own(directory.get(), kName);
  return file_ ? file_.get() : -1;
}

std::optional<std::array<Usage, UsageFile::kShards>> UsageFile::read() {
  std::string text(kShards * kRecord, '\0');
  const int from = file();
  if (from < 0 || ::lseek(from, 0, SEEK_SET) != 0 || !read_all(from, text)) return std::nullopt;
  std::array<Usage, kShards> usage;
  for (unsigned shard = 0; shard < kShards && (shard + 1) * kRecord <= text.size(); ++shard)
    usage.at(shard) = parse(std::string_view(text).substr(shard * kRecord, kRecord));
  return usage;
}

// Waits for nobody: a process that stands still must not hold up others. Two that do get in each other's way lose a
// count.
void UsageFile::add(unsigned shard, const Usage& more) {
  const int at = file();
  if (at < 0) return;
  const RangeLock lock(at, place_of(shard), kRecord);
  std::array<char, kRecord> text{};
  const auto got = ::pread(at, text.data(), kRecord, place_of(shard));
  Usage usage = got == static_cast<ssize_t>(kRecord) ? parse({text.data(), kRecord}) : Usage{};
  write_record(at, place_of(shard), usage += more);
}

void UsageFile::set(unsigned shard, const Usage& counted) {
  const int at = file();
  if (at < 0) return;
  const RangeLock lock(at, place_of(shard), kRecord);
  write_record(at, place_of(shard), counted);
}

}  // namespace mtasts
