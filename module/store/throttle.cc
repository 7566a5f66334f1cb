#include "module/store/throttle.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <string_view>
#include <vector>

#include "core/fnv1a.h"
#include "module/store/files.h"

namespace mtasts {
namespace {

constexpr std::string_view kStamp = ".due-";
constexpr std::size_t kMaxFileName = 255;
constexpr std::chrono::hours kStampKept{48};

// One that has just been made is empty: nothing was given yet. A file's time can be a moment ahead of time(2), which
// may not be taken for a clock that was set back.
bool is_young(const struct stat& stamp, std::chrono::seconds period) {
  const std::int64_t now = std::time(nullptr);
  return stamp.st_size != 0 && std::abs(now - stamp.st_mtim.tv_sec) < period.count();
}

SharedThrottle::Due leave_stamp(int directory, const std::string& file, std::chrono::seconds period) {
  using Due = SharedThrottle::Due;
  const auto stamp = open_own(directory, file);
  struct stat status {};
  if (!stamp || ::fstat(stamp.get(), &status) != 0) return Due::kCannotKeep;
  if (is_young(status, period)) return Due::kNotDue;
  return ::pwrite(stamp.get(), "x", 1, 0) == 1 ? Due::kDue : Due::kCannotKeep;
}

}  // namespace

// The end of a name says whose it is: of those that are too long for a file, only names of one owner can share a stamp.
std::string throttle_name(const std::string& warning, const Domain& domain) {
  const std::size_t room = kMaxFileName - kStamp.size() - warning.size() - 1;
  const std::string& name = domain.text();
  if (name.size() <= room) return warning + "-" + name;
  const std::string number = std::to_string(fnv1a_64(name)) + "-";
  return warning + "-" + number + name.substr(name.size() - (room - number.size()));
}

bool SharedThrottle::is_due(const std::string& name, std::chrono::seconds period) {
  const auto directory = open_directory(directory_);
  return directory && leave_stamp(directory.get(), std::string(kStamp) + name, period) == Due::kDue;
}

// Who may not write a stamp may be able to read it.
SharedThrottle::Due SharedThrottle::due(const std::string& name, std::chrono::seconds period) {
  const auto directory = open_directory(directory_);
  if (!directory) return Due::kCannotKeep;
  const std::string file = std::string(kStamp) + name;
  struct stat status {};
  if (::fstatat(directory.get(), file.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && is_young(status, period))
    return Due::kNotDue;
  return may_leave_files(directory.get()) ? leave_stamp(directory.get(), file, period) : Due::kCannotKeep;
}

std::vector<std::string> SharedThrottle::stamps() const {
  const auto directory = open_directory(directory_);
  if (!directory) return {};
  auto names = names_in(directory.get()).value_or(std::vector<std::string>{});
  std::erase_if(names, [](const std::string& name) { return !name.starts_with(kStamp); });
  return names;
}

void SharedThrottle::remove_old(std::vector<std::string>& stamps, std::size_t most) {
  const auto directory = open_directory(directory_);
  for (; most > 0 && !stamps.empty(); --most, stamps.pop_back())
    if (directory && is_far_from_now(directory.get(), stamps.back(), kStampKept))
      ::unlinkat(directory.get(), stamps.back().c_str(), 0);
}

}  // namespace mtasts
