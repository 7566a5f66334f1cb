#include "adapters/cli/publish/tree.h"

#include <fcntl.h>
#include <unistd.h>

#include "core/policy.h"

namespace mtasts::publish {
namespace {

constexpr const char* kWellKnown = ".well-known";
constexpr const char* kFile = "mta-sts.txt";
constexpr mode_t kReadable = 0644;
constexpr mode_t kFolderMode = 0755;

}  // namespace

Result<void> Tree::check() const {
  const auto root = open_folder(root_, IfMissing::kFail, kFolderMode);
  if (!root) return tl::unexpected(root.error());
  return {};
}

Result<std::optional<Folder>> Tree::open(const Domain& domain, IfMissing if_missing) const {
  auto root = open_folder(root_, if_missing, kFolderMode);
  if (!root || !*root) return root;
  auto host = open_below(**root, domain.policy_host(), if_missing);
  if (!host || !*host) return host;
  return open_below(**host, kWellKnown, if_missing);
}

Result<std::optional<std::string>> Tree::read(const Domain& domain) const {
  const auto folder = open(domain, IfMissing::kFail);
  if (!folder) return tl::unexpected(folder.error());
  if (!*folder) return std::nullopt;
  return read_file(**folder, kFile, kMaxPolicyBytes + 1);
}

Result<void> Tree::write(const Domain& domain, std::string_view bytes) const {
  const auto folder = open(domain, IfMissing::kMake);
  if (!folder) return tl::unexpected(folder.error());
  return replace_file(**folder, kFile, bytes, kReadable, Survives::kPowerCut);
}

Result<void> Tree::remove(const Domain& domain) const {
  const auto folder = open(domain, IfMissing::kFail);
  if (!folder) return tl::unexpected(folder.error());
  if (!*folder) return {};
  if (auto removed = remove_file(**folder, kFile); !removed) return removed;
  const auto root = open_folder(root_, IfMissing::kFail, kFolderMode);
  if (!root || !*root) return {};
  const auto host = open_below(**root, domain.policy_host(), IfMissing::kFail);
  if (!host || !*host) return {};
  // Where a person has put something else there, they stay.
  if (::unlinkat((*host)->fd.get(), kWellKnown, AT_REMOVEDIR) == 0)
    ::unlinkat((*root)->fd.get(), domain.policy_host().c_str(), AT_REMOVEDIR);
  return {};
}

}  // namespace mtasts::publish
