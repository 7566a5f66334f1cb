#include "adapters/cli/setup/files.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <deque>

#include "module/io/descriptor.h"
#include "module/io/read_write.h"

namespace mtasts::setup {
namespace {

constexpr std::string_view kCandidate = ".mtasts-new";

tl::unexpected<Error> trouble(const std::string& path, const std::string& what) {
  return fail(ErrorCode::kConfig, path + " " + what + ": " + std::strerror(errno));
}

std::optional<uid_t> uid_of(const std::string& user) {
  const passwd* entry = user.empty() ? nullptr : ::getpwnam(user.c_str());
  return entry == nullptr ? std::nullopt : std::optional<uid_t>(entry->pw_uid);
}

std::optional<gid_t> gid_of(const std::string& name) {
  const ::group* entry = name.empty() ? nullptr : ::getgrnam(name.c_str());
  return entry == nullptr ? std::nullopt : std::optional<gid_t>(entry->gr_gid);
}

bool is_trusted(const struct stat& folder) {
  return (folder.st_uid == 0 || folder.st_uid == ::geteuid()) && (folder.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

tl::unexpected<Error> distrusted(const std::string& folder) {
  return fail(ErrorCode::kConfig, folder +
                                      " can be written by somebody else than root, who could lead a change of the "
                                      "files in it astray; \"chown root " +
                                      folder + " && chmod go-w " + folder + "\" if nobody else needs to write there");
}

void push_front(std::deque<std::string>& parts, const std::string& path) {
  std::deque<std::string> added;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    if (end > at) added.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  parts.insert(parts.begin(), added.begin(), added.end());
}

// Where a path really is, below the root directory.
struct Place {
  std::string folder;  // without the root directory; "" is its top
  std::string name;
  bool trusted = true;  // nobody else can write any directory on the way

  [[nodiscard]] std::string path() const { return folder + "/" + name; }
};

// Follows symbolic links as the host would, inside the root directory; only those that nobody else can have made.
Result<Place> find_place(const std::string& root, const std::string& path) {
  constexpr int kMaxLinks = 40;
  std::deque<std::string> parts;
  push_front(parts, path);
  Place place;
  for (int links = 0; !parts.empty();) {
    struct stat above {};
    if (::lstat((root + place.folder + "/").c_str(), &above) == 0) place.trusted = place.trusted && is_trusted(above);
    const std::string part = parts.front();
    parts.pop_front();
    if (part == ".") continue;
    if (part == "..") {
      place.folder.erase(std::min(place.folder.rfind('/'), place.folder.size()));
      continue;
    }
    place.name = part;
    struct stat found {};
    if (::lstat((root + place.path()).c_str(), &found) == 0 && S_ISLNK(found.st_mode)) {
      if (!place.trusted) return distrusted(place.folder);
      std::array<char, PATH_MAX> target;
      const ssize_t size = ::readlink((root + place.path()).c_str(), target.data(), target.size());
      if (size < 0 || ++links > kMaxLinks) return trouble(place.path(), "is a symbolic link that cannot be followed");
      const std::string text(target.data(), static_cast<std::size_t>(size));
      if (text.starts_with('/')) place.folder.clear();
      push_front(parts, text);
      continue;
    }
    if (!parts.empty()) place.folder += "/" + part;
  }
  return place;
}

// The directory, opened, that a file will be written in.
Result<Descriptor> open_folder(const std::string& root, const Place& place, const Folder& allowed) {
  Descriptor folder(::open((root + place.folder + "/").c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder) return trouble(place.folder, "cannot be opened");
  if (place.trusted) return folder;
  struct stat found {};
  const auto owner = uid_of(allowed.owner);
  const bool is_owners = ::fstat(folder.get(), &found) == 0 && owner && found.st_uid == *owner &&
                         (found.st_mode & (S_IWGRP | S_IWOTH)) == 0;
  const auto above = find_place(root, place.folder);
  if (!is_owners || !above || !above->trusted) return distrusted(place.folder);
  return folder;
}

Result<void> make_folders(const std::string& root, const std::string& path) {
  for (std::size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1)) {
    const std::string folder = path.substr(0, at);
    struct stat found {};
    if (::stat((root + folder).c_str(), &found) == 0) continue;
    const auto place = find_place(root, folder);
    if (!place) return tl::unexpected(place.error());
    if (!place->trusted) return distrusted(place->folder);
    if (::mkdir((root + place->path()).c_str(), 0755) != 0) return trouble(folder, "cannot be made");
  }
  return {};
}

std::string candidate_name(const std::string& name) { return "." + name + std::string(kCandidate); }

// Complete and on the disk, with the rights of the file that it will replace.
Result<void> write_new(const Descriptor& folder, const Place& place, std::string_view bytes, mode_t mode) {
  const std::string name = candidate_name(place.name);
  if (::unlinkat(folder.get(), name.c_str(), 0) != 0 && errno != ENOENT)
    return trouble(place.folder + "/" + name, "cannot be removed");
  struct stat old {};
  const bool replaces = ::fstatat(folder.get(), place.name.c_str(), &old, AT_SYMLINK_NOFOLLOW) == 0;
  if (replaces && !S_ISREG(old.st_mode)) return fail(ErrorCode::kConfig, place.path() + " is not a regular file");
  const Descriptor file(
      ::openat(folder.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return trouble(place.folder + "/" + name, "cannot be written");
  const bool done = write_all(file.get(), bytes) && (!replaces || ::fchown(file.get(), old.st_uid, old.st_gid) == 0) &&
                    ::fchmod(file.get(), replaces ? old.st_mode & 0777U : mode) == 0 && ::fsync(file.get()) == 0;
  if (done) return {};
  const auto why = trouble(place.folder + "/" + name, "cannot be written");
  ::unlinkat(folder.get(), name.c_str(), 0);
  return why;
}

Result<std::pair<Place, Descriptor>> prepare(const std::string& root, const std::string& path, const Folder& folder) {
  auto place = find_place(root, path);
  if (!place) return tl::unexpected(place.error());
  auto opened = open_folder(root, *place, folder);
  if (!opened) return tl::unexpected(opened.error());
  return std::pair<Place, Descriptor>(std::move(*place), std::move(*opened));
}

}  // namespace

Result<std::optional<std::string>> read_file(const std::string& root, const std::string& path) {
  const auto place = find_place(root, path);
  if (!place) return tl::unexpected(place.error());
  const Descriptor file(::open((root + place->path()).c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  struct stat found {};
  if (!file || ::fstat(file.get(), &found) != 0) return trouble(path, "cannot be read");
  if (!S_ISREG(found.st_mode)) return fail(ErrorCode::kConfig, path + " is not a regular file");
  std::string bytes(static_cast<std::size_t>(found.st_size), '\0');
  if (!read_all(file.get(), bytes)) return trouble(path, "cannot be read");
  return bytes;
}

Result<void> write_file(const std::string& root, const std::string& path, std::string_view bytes, const Folder& folder,
                        mode_t mode) {
  if (auto made = make_folders(root, path); !made) return made;
  const auto ready = prepare(root, path, folder);
  if (!ready) return tl::unexpected(ready.error());
  const auto& [place, opened] = *ready;
  if (auto written = write_new(opened, place, bytes, mode); !written) return written;
  if (::renameat(opened.get(), candidate_name(place.name).c_str(), opened.get(), place.name.c_str()) != 0)
    return trouble(path, "cannot be replaced");
  ::fsync(opened.get());
  return {};
}

Result<std::string> write_candidate(const std::string& root, const std::string& path, std::string_view bytes,
                                    const Folder& folder) {
  const auto ready = prepare(root, path, folder);
  if (!ready) return tl::unexpected(ready.error());
  const auto& [place, opened] = *ready;
  if (const auto written = write_new(opened, place, bytes, 0600); !written) return tl::unexpected(written.error());
  return place.folder + "/" + candidate_name(place.name);
}

Result<void> remove_file(const std::string& root, const std::string& path, const Folder& folder) {
  const auto ready = prepare(root, path, folder);
  if (!ready) return tl::unexpected(ready.error());
  const auto& [place, opened] = *ready;
  if (::unlinkat(opened.get(), place.name.c_str(), 0) != 0 && errno != ENOENT)
    return trouble(path, "cannot be removed");
  ::fsync(opened.get());
  return {};
}

Result<void> make_folder(const std::string& root, const std::string& path, const std::string& owner,
                         const std::string& group) {
  constexpr mode_t kOpen = 0755;  // as versions before 0.2 made it
  constexpr mode_t kClosed = 0750;
  const passwd* user = ::getpwnam(owner.c_str());
  if (user == nullptr) return fail(ErrorCode::kConfig, "there is no user " + owner);
  const uid_t uid = user->pw_uid;
  const gid_t own_group = user->pw_gid;
  const auto gid = gid_of(group);
  if (!gid) return fail(ErrorCode::kConfig, "there is no group " + group);
  if (auto made = make_folders(root, path); !made) return made;
  const auto ready = prepare(root, path, {});
  if (!ready) return tl::unexpected(ready.error());
  const auto& [place, opened] = *ready;
  const bool is_new = ::mkdirat(opened.get(), place.name.c_str(), 0700) == 0;
  if (!is_new && errno != EEXIST) return trouble(path, "cannot be made");
  const Descriptor made(::openat(opened.get(), place.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat found {};
  if (!made || ::fstat(made.get(), &found) != 0) return trouble(path, "is no directory that can be opened");
  if (!is_new && found.st_uid != uid)
    return fail(ErrorCode::kConfig, path + " does not belong to " + owner + "; chown it if nobody else uses it");
  const bool is_open = is_new || (found.st_mode & 07777U) == kOpen;
  // Another group, or another mode, was chosen by the administrator.
  const bool is_for_group = is_open || found.st_gid == own_group;
  if (is_for_group && ::fchown(made.get(), uid, *gid) != 0) return trouble(path, "cannot be given away");
  if (is_open && ::fchmod(made.get(), kClosed) != 0) return trouble(path, "cannot be closed to others");
  return {};
}

}  // namespace mtasts::setup
