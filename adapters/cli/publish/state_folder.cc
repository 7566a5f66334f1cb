#include "adapters/cli/publish/state_folder.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <cstring>

namespace mtasts::publish {
namespace {

constexpr const char* kFile = "state";
constexpr const char* kLock = "lock";
constexpr mode_t kPrivate = 0700;
constexpr mode_t kFileMode = 0600;

tl::unexpected<Error> in_use(const std::string& path) {
  return fail(ErrorCode::kNotTried,
              "the state in " + path + " is in use by another mtasts publish; try again when it has ended");
}

// The lock's file lasts; who holds it shows the lock itself.
Result<Descriptor> lock(const Folder& folder, StateFolder::Use use) {
  const bool writes = use == StateFolder::Use::kWrite;
  const int flags = (writes ? O_RDWR | O_CREAT : O_RDONLY) | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  Descriptor file(::openat(folder.fd.get(), kLock, flags, kFileMode));
  if (!file && errno == ENOENT && !writes) return Descriptor();
  if (!file)
    return fail(ErrorCode::kStoreUnavailable, folder.path + "/" + kLock + " cannot be opened: " + std::strerror(errno));
  if (::flock(file.get(), (writes ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0) return in_use(folder.path);
  // Readers only look whether somebody writes: they keep nobody from it.
  return writes ? std::move(file) : Descriptor();
}

}  // namespace

Result<StateFolder> StateFolder::open(const std::string& path, Use use) {
  auto folder = open_folder(path, use == Use::kWrite ? IfMissing::kMake : IfMissing::kFail, kPrivate);
  if (!folder) return tl::unexpected(folder.error());
  if (!*folder) return StateFolder(path, std::nullopt, Descriptor());
  auto locked = lock(**folder, use);
  if (!locked) return tl::unexpected(locked.error());
  return StateFolder(path, std::move(*folder), std::move(*locked));
}

Result<State> StateFolder::load() const {
  if (!folder_) return State{};
  const auto bytes = read_file(*folder_, kFile, kMaxStateBytes);
  if (!bytes) return tl::unexpected(bytes.error());
  if (!*bytes) return State{};
  auto state = parse_state(**bytes);
  if (state) return state;
  return fail(state.error().code,
              "the state in " + path_ + " cannot be used: " + state.error().detail +
                  ". What is served stays as it is. Put \"state\" there back from a backup; or move it "
                  "away and take the web tree over with --adopt");
}

Result<void> StateFolder::save(const State& state) const {
  return replace_file(*folder_, kFile, serialize(state), kFileMode, Survives::kPowerCut);
}

}  // namespace mtasts::publish
