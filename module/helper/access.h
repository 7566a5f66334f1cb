// What the lookup helper may use of the machine: the resources of its process, and the files and ports that its
// settings lead to.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "module/helper/settings.h"
#include "module/io/landlock.h"

namespace mtasts {

// Bounds what a process that has been taken over can use up. False leaves errno.
bool limit_resources();
// No process or thread from now on, except where libcurl asks for the name of a proxy in a thread. False leaves errno.
bool forbid_processes(const HelperSettings& settings);

// The store to write; resolv.conf, certificates, libraries and what those read when they start, to read; the ports of
// resolvers and policy hosts, and that of MX hosts where they are tried. Ports are those of any address, this machine's
// own included: Landlock knows no addresses.
AccessRules helper_access(const HelperSettings& settings);

// Tells when paths of the settings lead elsewhere than when it was made: a store that was made new or mounted over, a
// link to another file of authorities. Rules that the kernel keeps still cover the old ones.
class AccessWatch {
 public:
  explicit AccessWatch(const HelperSettings& settings);
  [[nodiscard]] bool is_outdated() const;

 private:
  using Place = std::pair<dev_t, ino_t>;  // zeros: nothing there
  [[nodiscard]] std::vector<Place> look() const;

  std::string store_;
  std::vector<std::string> named_files_;
  std::vector<Place> seen_;
};

}  // namespace mtasts
