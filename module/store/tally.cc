#include "module/store/tally.h"

#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "core/ascii.h"
#include "module/store/files.h"
#include "module/store/range_lock.h"

namespace mtasts {
namespace {

constexpr std::size_t kDigits = 15;
constexpr std::uint64_t kMax = 999'999'999'999'999;

// A damaged number counts as 0.
std::uint64_t read_number(int file) {
  std::string text(kDigits, '\0');
  const auto got = ::pread(file, text.data(), text.size(), 0);
  text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return static_cast<std::uint64_t>(ascii::number(ascii::trimmed(text), kMax).value_or(0));
}

bool write_number(int file, std::uint64_t number) {
  const std::string digits = std::to_string(std::min(number, kMax));
  const std::string text = std::string(kDigits - digits.size(), ' ') + digits + "\n";
  return ::pwrite(file, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
}

}  // namespace

bool SharedTally::add(const std::string& name, std::uint64_t count) {
  return change(name, [count](std::uint64_t number) { return number + std::min(count, kMax); }).has_value();
}

std::uint64_t SharedTally::take(const std::string& name) {
  return change(name, [](std::uint64_t /*number*/) { return 0; }).value_or(0);
}

std::optional<std::uint64_t> SharedTally::change(const std::string& name,
                                                 const std::function<std::uint64_t(std::uint64_t)>& changed) {
  const auto directory = open_directory(directory_);
  if (!directory || !may_leave_files(directory.get())) return std::nullopt;
  const auto file = open_own(directory.get(), ".lost-" + name, 0600);
  if (!file) return std::nullopt;
  const RangeLock lock(file.get(), 0, 1);
  if (lock.state() == RangeLock::State::kTaken) return std::nullopt;
  const std::uint64_t number = read_number(file.get());
  return write_number(file.get(), changed(number)) ? std::optional(number) : std::nullopt;
}

}  // namespace mtasts
