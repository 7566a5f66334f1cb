#include "module/io/read_write.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace mtasts {
namespace {

// As read(2), but for signals.
ssize_t read_some(int fd, char* buffer, std::size_t size) {
  for (;;) {
    const auto got = ::read(fd, buffer, size);
    if (got >= 0 || errno != EINTR) return got;
  }
}

}  // namespace

bool read_all(int fd, std::string& bytes) {
  std::size_t have = 0;
  while (have < bytes.size()) {
    const auto got = read_some(fd, bytes.data() + have, bytes.size() - have);
    if (got < 0) return false;
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  return true;
}

bool read_to_end(int fd, std::string& bytes, std::size_t limit) {
  std::array<char, 65'536> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by read(2)
  while (bytes.size() < limit) {
    const auto got = read_some(fd, buffer.data(), std::min(buffer.size(), limit - bytes.size()));
    if (got <= 0) return got == 0;
    bytes.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return true;
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

bool replace_content(int fd, std::string_view bytes) {
  const bool is_empty = ::ftruncate(fd, 0) == 0 || errno == EINVAL;  // a device or pipe has no length
  return is_empty && write_all(fd, bytes);
}

}  // namespace mtasts
