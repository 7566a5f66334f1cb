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
  if (!directory) return false;
  const auto stamp = open_own(directory.get(), std::string(kStamp) + name);
  struct stat status {};
  if (!stamp || ::fstat(stamp.get(), &status) != 0) return false;
  if (is_young(status, period)) return false;
  return ::pwrite(stamp.get(), "x", 1, 0) == 1;
}

bool SharedThrottle::is_due_unless_stamped(const std::string& name, std::chrono::seconds period) {
  const auto directory = open_directory(directory_);
  struct stat store {};
  if (!directory || ::fstat(directory.get(), &store) != 0) return true;
  struct stat stamp {};
  const std::string file = std::string(kStamp) + name;
  if (::fstatat(directory.get(), file.c_str(), &stamp, AT_SYMLINK_NOFOLLOW) == 0 && is_young(stamp, period))
    return false;
  if (::geteuid() != 0 || store.st_uid == 0) is_due(name, period);
  return true;
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
