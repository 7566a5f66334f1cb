#include "adapters/cli/publish/folders.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <deque>

#include "module/io/read_write.h"
#include "module/store/files.h"

namespace mtasts::publish {
namespace {

constexpr mode_t kFolderMode = 0755;  // a web server reads below it

tl::unexpected<Error> trouble(const std::string& path, const std::string& what) {
  return fail(ErrorCode::kStoreUnavailable, path + " " + what + ": " + std::strerror(errno));
}

// Nobody but root can rename or replace what lies in it, if that belongs to root.
bool is_safe(const struct stat& folder) {
  const bool is_shared = (folder.st_mode & (S_IWGRP | S_IWOTH)) != 0;
  return folder.st_uid == 0 && (!is_shared || (folder.st_mode & S_ISVTX) != 0);
}

Result<void> check_safe(int fd, const std::string& path) {
  struct stat found {};
  if (::fstat(fd, &found) != 0) return trouble(path, "cannot be looked at");
  if (::geteuid() != 0 || is_safe(found)) return {};
  return fail(
      ErrorCode::kConfig,
      path +
          " can be written by somebody else than root, who could lead root's files astray: name another "
          "folder, run mtasts publish as the user that it belongs to, or, if it is for this alone, \"chown root " +
          path + " && chmod go-w " + path + "\"");
}

Result<void> make_folder(int parent, const std::string& name, const std::string& path, mode_t mode) {
  if (::mkdirat(parent, name.c_str(), 0700) != 0) {
    if (errno == EEXIST) return {};
    return trouble(path, "cannot be made");
  }
  // Whatever umask the process has.
  if (::fchmodat(parent, name.c_str(), mode, 0) != 0) return trouble(path, "cannot be given mode");
  return {};
}

// A step that nobody else can have led astray: what is above it is safe.
Result<std::optional<Folder>> step(const Folder& folder, const std::string& name, IfMissing if_missing, mode_t mode) {
  const std::string path = folder.path + (folder.path.ends_with('/') ? "" : "/") + name;
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  Descriptor fd(::openat(folder.fd.get(), name.c_str(), kFlags));
  if (!fd && errno == ENOENT) {
    if (if_missing == IfMissing::kFail) return std::nullopt;
    if (auto made = make_folder(folder.fd.get(), name, path, mode); !made) return tl::unexpected(made.error());
    fd = Descriptor(::openat(folder.fd.get(), name.c_str(), kFlags));
  }
  struct stat found {};
  if (!fd && ::fstatat(folder.fd.get(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(found.st_mode))
    return fail(ErrorCode::kStoreUnavailable, path + " is a symbolic link; put a directory in its place");
  if (!fd) return trouble(path, "cannot be opened as a directory");
  if (auto safe = check_safe(fd.get(), path); !safe) return tl::unexpected(safe.error());
  return Folder{std::move(fd), path};
}

using Parts = std::deque<std::string>;

void push_front(Parts& parts, std::string_view path) {
  Parts added;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    if (end > at) added.emplace_back(path.substr(at, end - at));
    at = end + 1;
  }
  parts.insert(parts.begin(), added.begin(), added.end());
}

Result<Folder> root_folder() {
  Descriptor fd(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return trouble("/", "cannot be opened");
  return Folder{std::move(fd), "/"};
}

// The target of a symbolic link in a safe directory; nullopt: `name` is none. In a directory like /tmp anybody may have
// made it.
Result<std::optional<std::string>> link_target(const Folder& folder, const std::string& name) {
  struct stat found {};
  if (::fstatat(folder.fd.get(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISLNK(found.st_mode))
    return std::nullopt;
  const std::string path = folder.path + "/" + name;
  if (::geteuid() == 0 && found.st_uid != 0)
    return fail(ErrorCode::kConfig, path + " is a symbolic link of somebody else than root; name the directory itself");
  std::array<char, PATH_MAX> target;
  const ssize_t size = ::readlinkat(folder.fd.get(), name.c_str(), target.data(), target.size());
  if (size < 0) return trouble(path, "cannot be followed");
  return std::string(target.data(), static_cast<std::size_t>(size));
}

std::string absolute(const std::string& path) {
  if (path.starts_with('/')) return path;
  std::array<char, PATH_MAX> here;
  return std::string(::getcwd(here.data(), here.size()) != nullptr ? here.data() : "") + "/" + path;
}

std::string candidate(const std::string& name) { return "." + name + ".mtasts-new"; }

}  // namespace

Result<std::optional<Folder>> open_folder(const std::string& path, IfMissing if_missing, mode_t mode) {
  constexpr int kMaxLinks = 40;
  auto folder = root_folder();
  if (!folder) return tl::unexpected(folder.error());
  Parts parts;
  push_front(parts, absolute(path));
  for (int links = 0; !parts.empty();) {
    const std::string name = parts.front();
    parts.pop_front();
    const auto target = link_target(*folder, name);
    if (!target) return tl::unexpected(target.error());
    if (*target) {
      if (++links > kMaxLinks) return fail(ErrorCode::kStoreUnavailable, path + " has too many symbolic links");
      if ((*target)->starts_with('/')) folder = root_folder();
      if (!folder) return tl::unexpected(folder.error());
      push_front(parts, **target);
      continue;
    }
    auto next = step(*folder, name, if_missing, parts.empty() ? mode : kFolderMode);
    if (!next || !*next) return next;
    folder = std::move(**next);
  }
  return std::optional(std::move(*folder));
}

Result<std::optional<Folder>> open_below(const Folder& folder, const std::string& name, IfMissing if_missing) {
  return step(folder, name, if_missing, kFolderMode);
}

Result<std::optional<std::string>> read_file(const Folder& folder, const std::string& name, std::size_t limit) {
  const Descriptor file(::openat(folder.fd.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  const std::string path = folder.path + "/" + name;
  if (!file && errno == ENOENT) return std::nullopt;
  struct stat found {};
  if (!file || ::fstat(file.get(), &found) != 0) return trouble(path, "cannot be read");
  if (!S_ISREG(found.st_mode)) return fail(ErrorCode::kStoreUnavailable, path + " is not a regular file");
  std::string bytes(std::min(static_cast<std::size_t>(found.st_size), limit), '\0');
  if (!read_all(file.get(), bytes)) return trouble(path, "cannot be read");
  return bytes;
}

Result<void> replace_file(const Folder& folder, const std::string& name, std::string_view bytes, mode_t mode,
                          Survives survives) {
  const bool is_synced = survives == Survives::kPowerCut;
  const std::string path = folder.path + "/" + name;
  const std::string fresh = candidate(name);
  const int fd = folder.fd.get();
  if (::unlinkat(fd, fresh.c_str(), 0) != 0 && errno != ENOENT) return trouble(path, "cannot be replaced");
  const Descriptor file(::openat(fd, fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return trouble(path, "cannot be written");
  const bool is_whole = write_all(file.get(), bytes) && ::fchmod(file.get(), mode) == 0 &&
                        (!is_synced || ::fsync(file.get()) == 0) &&
                        ::renameat(fd, fresh.c_str(), fd, name.c_str()) == 0;
  if (!is_whole) {
    const auto why = trouble(path, "cannot be written");
    ::unlinkat(fd, fresh.c_str(), 0);
    return why;
  }
  if (is_synced && ::fsync(fd) != 0) return trouble(folder.path, "cannot be written");
  return {};
}

Result<void> remove_file(const Folder& folder, const std::string& name) {
  if (::unlinkat(folder.fd.get(), name.c_str(), 0) != 0 && errno != ENOENT)
    return trouble(folder.path + "/" + name, "cannot be removed");
  ::fsync(folder.fd.get());
  return {};
}

}  // namespace mtasts::publish
