#include "module/io/privileges.h"

#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace mtasts {
namespace {

// What a program executed later could gain. Only a process with CAP_SETPCAP may change the bounding set and the secure
// bits; no_new_privs (helper_main) does the same for those that have it not.
void forbid_capabilities() {
  for (unsigned long capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability)
    ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  // SECBIT_NO_SETUID_FIXUP is locked as not set: leaving uid 0 takes the capabilities away.
  constexpr unsigned long kBits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED |
                                  SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
                                  SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
  ::prctl(PR_SET_SECUREBITS, kBits, 0, 0, 0);
}

// Ambient ones end with the permitted ones.
bool clear_capabilities() {
  struct __user_cap_header_struct header {
    _LINUX_CAPABILITY_VERSION_3, 0
  };
  std::array<struct __user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
  return ::syscall(SYS_capset, &header, none.data()) == 0;
}

bool become(uid_t uid, gid_t gid, bool as_root) {
  return (!as_root || ::setgroups(0, nullptr) == 0) && ::setresgid(gid, gid, gid) == 0 &&
         ::setresuid(uid, uid, uid) == 0 && clear_capabilities();
}

// Asks the kernel itself: under a filter of somebody else's, a call can succeed and do nothing.
bool can_return_to_root(gid_t gid) { return ::setuid(0) == 0 || (gid != 0 && ::setgid(0) == 0); }

}  // namespace

Result<void> become_user(const std::string& user) {
  const bool as_root = ::geteuid() == 0;
  uid_t uid = ::geteuid();
  gid_t gid = ::getegid();
  if (as_root) {
    const struct passwd* entry = ::getpwnam(user.c_str());
    if (entry == nullptr || entry->pw_uid == 0) {
      return fail(ErrorCode::kLocalFault, "lookups are never done as root: create the system user '" + user +
                                              "' or set engine.user in mtasts.toml");
    }
    uid = entry->pw_uid;
    gid = entry->pw_gid;
  }
  forbid_capabilities();
  if (!become(uid, gid, as_root))
    return fail(ErrorCode::kLocalFault, "cannot become user " + user + ": " + std::strerror(errno));
  if (can_return_to_root(gid))
    return fail(ErrorCode::kLocalFault, "cannot become user " + user + ": root's rights can be had again");
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
    return fail(ErrorCode::kLocalFault, std::string("cannot protect its memory: ") + std::strerror(errno));
  return {};
}

}  // namespace mtasts
