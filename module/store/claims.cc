#include "module/store/claims.h"

#include <sys/statvfs.h>
#include <unistd.h>

#include <cstdint>
#include <optional>
#include <utility>

#include "module/io/keyed_hash.h"
#include "module/store/files.h"
#include "module/store/range_lock.h"

namespace mtasts {
namespace {

constexpr std::int64_t kPlaces = std::int64_t{1} << 61U;
constexpr off_t kKeyPlace = 2 * kPlaces;               // behind those of the claims: who makes the key has it
constexpr std::chrono::milliseconds kKeyTimeout{200};  // for sixteen octets

class LockedRange final : public PolicyStore::Claim {
 public:
  explicit LockedRange(std::unique_ptr<RangeLock> lock) : lock_(std::move(lock)) {}

 private:
  std::unique_ptr<RangeLock> lock_;
};

bool has_room(int fd) {
  struct statvfs system {};
  return ::fstatvfs(fd, &system) != 0 || (system.f_bavail > 0 && (system.f_files == 0 || system.f_favail > 0));
}

// What a power cut can leave behind is none: a file as long as it was, of zeros.
std::optional<SipKey> read_key(int file) {
  SipKey key{};
  const auto got = ::pread(file, key.data(), key.size(), 0);
  const bool is_whole = got == static_cast<ssize_t>(key.size());
  return is_whole && key != SipKey{} ? std::optional(key) : std::nullopt;
}

bool write_key(int file, const SipKey& key) {
  return ::pwrite(file, key.data(), key.size(), 0) == static_cast<ssize_t>(key.size());
}

// nullopt: none is there, and none can be made now.
std::optional<SipKey> key_of_all(int file) {
  if (const auto key = read_key(file)) return key;
  const RangeLock lock(file, kKeyPlace, 1, kKeyTimeout);
  if (const auto key = read_key(file)) return key;
  const SipKey made = random_key();
  if (lock.state() == RangeLock::State::kHeld && write_key(file, made)) return made;
  return std::nullopt;
}

// Where none can be kept each process has its own: it coordinates nothing with others, but within itself.
const SipKey& key_of_this_process() {
  static const SipKey own = random_key();
  return own;
}

}  // namespace

// Two octets a domain, for the two slots; there need not be any octet at that place in the file. Domains that share a
// place wait for each other: that is too rare to happen by accident.
std::int64_t claim_place(const SipKey& key, const Domain& domain, PolicyStore::Slot slot) {
  const auto place = static_cast<std::int64_t>(siphash(key, domain.text()) % std::uint64_t{kPlaces});
  return 2 * place + (slot == PolicyStore::Slot::kSecond ? 1 : 0);
}

std::unique_ptr<PolicyStore::Claim> Claims::take(const Domain& domain, PolicyStore::Slot slot) {
  if (!file_) file_ = open_lock_file(directory_, ".claims");
  if (!file_) return std::make_unique<PolicyStore::Claim>();
  if (!key_) key_ = key_of_all(file_.get());
  const SipKey& key = key_ ? *key_ : key_of_this_process();
  auto lock = std::make_unique<RangeLock>(file_.get(), claim_place(key, domain, slot), 1);
  if (lock->state() == RangeLock::State::kHeld) return std::make_unique<LockedRange>(std::move(lock));
  // Nobody waits where the file system has no locks, or no room for what he would wait for.
  const bool is_taken = lock->state() == RangeLock::State::kTaken;
  return is_taken && has_room(file_.get()) ? nullptr : std::make_unique<PolicyStore::Claim>();
}

}  // namespace mtasts
