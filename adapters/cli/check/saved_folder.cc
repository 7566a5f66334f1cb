// The folder of what earlier checks saw: one file a domain, replaced by rename.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "adapters/cli/check/saved.h"
#include "module/io/descriptor.h"
#include "module/io/read_write.h"
#include "module/store/files.h"

namespace mtasts::check {
namespace {

tl::unexpected<Error> unavailable(const std::string& what, const std::string& path) {
  return fail(ErrorCode::kStoreUnavailable, what + " " + escaped(path) + ": " + std::strerror(errno));
}

}  // namespace

Result<SavedFolder> SavedFolder::open(std::string path) {
  if (::mkdir(path.c_str(), 0750) != 0 && errno != EEXIST) return unavailable("cannot make the folder", path);
  const Descriptor folder = open_directory(path);
  if (!folder) return unavailable("cannot open the folder", path);
  if (::faccessat(folder.get(), ".", W_OK | X_OK, AT_EACCESS) != 0) return unavailable("cannot write in", path);
  return SavedFolder(std::move(path));
}

Result<std::optional<Saved>> SavedFolder::get(const Domain& domain) const {
  const std::string path = path_ + "/" + domain.text();
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file && errno == ENOENT) return std::nullopt;
  std::string bytes(kMaxSavedBytes + 1, '\0');
  if (!file || !read_all(file.get(), bytes)) return unavailable("cannot read", path);
  auto saved = parse_saved(bytes, domain);
  if (!saved) return fail(saved.error().code, escaped(path, kMaxSavedBytes) + ": " + saved.error().detail);
  return std::move(*saved);
}

Result<void> SavedFolder::put(const Saved& saved) const {
  const std::string path = path_ + "/" + saved.domain.text();
  // No domain begins with a dot.
  const std::string fresh = path_ + "/." + std::to_string(::getpid()) + ".new";
  const Descriptor file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640));
  const bool is_written = file && write_all(file.get(), serialize(saved)) && ::fsync(file.get()) == 0 &&
                          ::rename(fresh.c_str(), path.c_str()) == 0;
  if (is_written) return {};
  const auto failure = unavailable("cannot write", path);
  if (file) ::unlink(fresh.c_str());
  return failure;
}

}  // namespace mtasts::check
