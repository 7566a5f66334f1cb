#include "module/store/throttle.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <ctime>

#include "module/store/files.h"

namespace mtasts {
namespace {

constexpr const char* kStamp = ".due-";
constexpr std::chrono::hours kStampKept{48};

}  // namespace

bool SharedThrottle::is_due(const std::string& name, std::chrono::seconds period) {
  const auto directory = open_directory(directory_);
  if (!directory) return false;
  const auto stamp = open_own(directory.get(), kStamp + name);
  struct stat status {};
  if (!stamp || ::fstat(stamp.get(), &status) != 0) return false;
  const std::int64_t now = std::time(nullptr);
  const bool fresh = status.st_size == 0;  // just made
  // A file's time can be a moment ahead of time(2), which may not be taken for a clock that was set back.
  if (!fresh && std::abs(now - status.st_mtim.tv_sec) < period.count()) return false;
  return ::pwrite(stamp.get(), "x", 1, 0) == 1;
}

void SharedThrottle::remove_old_stamps() {
  const auto directory = open_directory(directory_);
  if (!directory) return;
  for (const auto& name : names_in(directory.get()).value_or(std::vector<std::string>{})) {
    if (name.starts_with(kStamp) && is_far_from_now(directory.get(), name, kStampKept))
      ::unlinkat(directory.get(), name.c_str(), 0);
  }
}

}  // namespace mtasts
