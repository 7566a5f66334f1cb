#include "module/store/clock_watch.h"

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>

#include "module/store/files.h"

namespace mtasts {
namespace {

constexpr const char* kFile = ".clock";
constexpr std::chrono::hours kSteadyFor{7 * 24};
constexpr std::chrono::hours kLeap{48};
constexpr std::size_t kTextSize = 40;

// What the file holds: two numbers of seconds since the epoch, a space between them and a line's end after.
struct Rounds {
  WallTime since;  // the last leap
  WallTime last;   // the last round
};

std::string text_of(const Rounds& rounds) {
  return std::to_string(rounds.since.time_since_epoch().count()) + " " +
         std::to_string(rounds.last.time_since_epoch().count()) + "\n";
}

std::optional<Rounds> parse(const std::string& text) {
  std::int64_t since = 0;
  std::int64_t last = 0;
  const char* const end = text.data() + text.size();
  const char* const space = std::from_chars(text.data(), end, since).ptr;
  if (space != end) std::from_chars(space + 1, end, last);
  const Rounds rounds{from_epoch(since), from_epoch(last)};
  return text_of(rounds) == text ? std::optional(rounds) : std::nullopt;
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
