#include "module/store/claims.h"

#include <fcntl.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <cstdint>

#include "core/fnv1a.h"

namespace mtasts {
namespace {

// Two octets a domain, for the two turns; there need not be any octet at that place in the file. Domains that share a
// place wait for each other, which does no harm.
off_t place_of(const Domain& domain, PolicyStore::Slot slot) {
  constexpr std::uint64_t kPlaces = std::uint64_t{1} << 61U;
  return static_cast<off_t>(fnv1a_64(domain.text()) % kPlaces * 2 + (slot == PolicyStore::Slot::kSecond ? 1 : 0));
}

// Locks of the open file, not of the process: two stores of one process exclude each other too.
int set_lock(int fd, short type, off_t place) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = place;
  lock.l_len = 1;
  return ::fcntl(fd, F_OFD_SETLK, &lock);
}

class LockedRange final : public PolicyStore::Claim {
 public:
  LockedRange(int fd, off_t place) : fd_(fd), place_(place) {}
  LockedRange(const LockedRange&) = delete;
  LockedRange& operator=(const LockedRange&) = delete;
  ~LockedRange() override { set_lock(fd_, F_UNLCK, place_); }

 private:
  int fd_;
  off_t place_;
};

bool has_room(int fd) {
  struct statvfs system {};
  return ::fstatvfs(fd, &system) != 0 || (system.f_bavail > 0 && (system.f_files == 0 || system.f_favail > 0));
}

}  // namespace

std::unique_ptr<PolicyStore::Claim> Claims::take(const Domain& domain, PolicyStore::Slot slot) {
  // 0600: whoever may open a file may lock it, and no other user of the machine may hold up lookups.
  if (!file_)
    file_ = Descriptor(
        ::open((directory_ + "/.claims").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
  if (!file_) return std::make_unique<PolicyStore::Claim>();
  const off_t place = place_of(domain, slot);
  if (set_lock(file_.get(), F_WRLCK, place) == 0) return std::make_unique<LockedRange>(file_.get(), place);
  // Nobody waits where the file system has no locks, or no room for what he would wait for.
  const bool taken = errno == EAGAIN || errno == EACCES;
  return taken && has_room(file_.get()) ? nullptr : std::make_unique<PolicyStore::Claim>();
}

}  // namespace mtasts
