#include "module/privileges.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace mtasts {

Result<void> become_user(const std::string& user) {
  if (::geteuid() != 0) return {};
  const struct passwd* entry = ::getpwnam(user.c_str());
  if (entry == nullptr || entry->pw_uid == 0) {
    return fail(ErrorCode::kLocalFault, "lookups are never done as root: create the system user '" + user +
                                            "' or set engine.user in mtasts.toml");
  }
  const uid_t uid = entry->pw_uid;
  const gid_t gid = entry->pw_gid;
  if (::setgroups(0, nullptr) != 0 || ::setgid(gid) != 0 || ::setuid(uid) != 0 || ::setuid(0) == 0)
    return fail(ErrorCode::kLocalFault, "cannot become user " + user + ": " + std::strerror(errno));
  return {};
}

}  // namespace mtasts
