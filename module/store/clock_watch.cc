#include "module/store/clock_watch.h"

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/ascii.h"
#include "module/io/read_write.h"
#include "module/store/files.h"

namespace mtasts {
namespace {

constexpr const char* kFile = ".clock";
constexpr std::chrono::hours kSteadyFor{7 * 24};
constexpr std::chrono::hours kLeap{48};
constexpr std::size_t kTextSize = 40;
constexpr std::int64_t kLastSecond = 253'402'300'799;  // of the year 9999

// What the file holds: two numbers of seconds since the epoch, a space between them and a line's end after.
struct Rounds {
  WallTime since;  // the last leap
  WallTime last;   // the last round
};

std::string text_of(const Rounds& rounds) {
  return std::to_string(rounds.since.time_since_epoch().count()) + " " +
         std::to_string(rounds.last.time_since_epoch().count()) + "\n";
}

std::optional<Rounds> parse(std::string_view text) {
  if (!text.ends_with('\n')) return std::nullopt;
  text.remove_suffix(1);
  const std::size_t space = std::min(text.find(' '), text.size());
  const auto since = ascii::number(text.substr(0, space), kLastSecond);
  const auto last = ascii::number(text.substr(std::min(space + 1, text.size())), kLastSecond);
  return since && last ? std::optional(Rounds{from_epoch(*since), from_epoch(*last)}) : std::nullopt;
}

}  // namespace

bool ClockWatch::is_steady(WallTime now) {
  const auto directory = open_directory(directory_);
  if (!directory) return false;
  const auto file = open_own(directory.get(), kFile);
  if (!file) return false;
  std::string text(2 * kTextSize, '\0');
  if (!read_all(file.get(), text)) return false;
  Rounds rounds = parse(text).value_or(Rounds{now, now});
  if (std::chrono::abs(now - rounds.last) > kLeap) rounds.since = now;
  rounds.last = now;
  text = text_of(rounds);
  const auto size = static_cast<off_t>(text.size());
  const bool saved = ::pwrite(file.get(), text.data(), text.size(), 0) == size && ::ftruncate(file.get(), size) == 0;
  return saved && now - rounds.since >= kSteadyFor;
}

std::optional<WallTime> ClockWatch::last_round() const {
  const auto directory = open_directory(directory_);
  if (!directory) return std::nullopt;
  const auto file = open_below(directory.get(), ".", kFile, O_RDONLY);
  std::string text(2 * kTextSize, '\0');
  if (!file || !read_all(file.get(), text)) return std::nullopt;
  const auto rounds = parse(text);
  return rounds ? std::optional(rounds->last) : std::nullopt;
}

}  // namespace mtasts
