#include "module/io/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "module/io/descriptor.h"

namespace mtasts {
namespace {

// linux/landlock.h of Debian 12 ends with ABI 2.
struct RulesetAttributes {
  std::uint64_t files;
  std::uint64_t network;  // ABI 4
  std::uint64_t scopes;   // ABI 6
};
struct PortAttributes {
  std::uint64_t access;
  std::uint64_t port;
};
constexpr std::uint64_t kTruncate = 1U << 14U;  // ABI 3
constexpr std::uint64_t kBindTcp = 1U << 0U;
constexpr std::uint64_t kConnectTcp = 1U << 1U;
constexpr std::uint64_t kAbstractSockets = 1U << 0U;
constexpr std::uint64_t kSignals = 1U << 1U;
constexpr int kPortRule = 2;

constexpr std::uint64_t kReadFile = LANDLOCK_ACCESS_FS_READ_FILE;
constexpr std::uint64_t kRead = kReadFile | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t kWrite = kRead | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
                                 LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                                 LANDLOCK_ACCESS_FS_REMOVE_DIR | kTruncate;

// The rights that each version knows, each version's last one above those before.
std::uint64_t file_rights(long abi) {
  if (abi == 1) return (1U << 13U) - 1;
  if (abi == 2) return (1U << 14U) - 1;
  return abi < 5 ? (1U << 15U) - 1 : (1U << 16U) - 1;
}

std::size_t attributes_size(long abi) {
  if (abi < 4) return offsetof(RulesetAttributes, network);
  return abi < 6 ? offsetof(RulesetAttributes, scopes) : sizeof(RulesetAttributes);
}

// An administrator's file may be missing, and what this user cannot reach needs no rule.
bool is_out_of_reach(int error) { return error == ENOENT || error == ENOTDIR || error == EACCES || error == ELOOP; }

bool permit(int ruleset, const std::string& path, std::uint64_t access) {
  const Descriptor target(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!target) return is_out_of_reach(errno);
  struct stat status {};
  if (::fstat(target.get(), &status) != 0) return false;
  if (!S_ISDIR(status.st_mode)) access &= kReadFile;
  const struct landlock_path_beneath_attr rule { access, target.get() };
  return ::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

bool permit_port(int ruleset, std::uint16_t port) {
  const PortAttributes rule{kConnectTcp, port};
  return ::syscall(SYS_landlock_add_rule, ruleset, kPortRule, &rule, 0) == 0;
}

// False leaves errno.
bool apply(const AccessRules& rules, long abi) {
  const std::uint64_t files = file_rights(abi);
  const std::uint64_t network = rules.ports.empty() ? kBindTcp : kBindTcp | kConnectTcp;
  const RulesetAttributes attributes{files, network, kAbstractSockets | kSignals};
  const Descriptor ruleset(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, attributes_size(abi), 0)));
  if (!ruleset) return false;
  for (const auto& path : rules.writable)
    if (!permit(ruleset.get(), path, kWrite & files)) return false;
  for (const auto& path : rules.readable)
    if (!permit(ruleset.get(), path, kRead)) return false;
  if (abi >= 4)
    for (const auto port : rules.ports)
      if (!permit_port(ruleset.get(), port)) return false;
  return ::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) == 0;
}

}  // namespace

Result<Protection> restrict_access(const AccessRules& rules) {
  const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  // Not built in, not switched on, or not known to the filter of a container.
  if (abi < 0 && (errno == ENOSYS || errno == EOPNOTSUPP || errno == EPERM)) return Protection::kNotInKernel;
  if (abi > 0 && apply(rules, abi)) return Protection::kInForce;
  return fail(ErrorCode::kLocalFault, std::string("Landlock cannot be applied: ") + std::strerror(errno));
}

}  // namespace mtasts
