// What a process may open and connect to from now on, kept by the kernel (Landlock, Linux 5.13;
// docs/adr/0012-sandbox.md).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/result.h"

namespace mtasts {

enum class Protection { kInForce, kNotInKernel };

struct AccessRules {
  std::vector<std::string> writable;  // directories: files and directories below them are made, written and removed
  std::vector<std::string> readable;  // files, and directories with what is below them; what is not there is left out
  std::vector<std::uint16_t> ports;   // TCP ports that can be connected to; none: every port
};

// Applies to this process and to nothing that it has open already. Everything that is not named is refused with EACCES:
// other files and directories, every program, TCP ports (Linux 6.7), abstract sockets and signals to others (6.12).
// Paths are followed once, now: what replaces them later is not covered. Needs no_new_privs. Error kLocalFault: the
// kernel has Landlock and refuses.
Result<Protection> restrict_access(const AccessRules& rules);

}  // namespace mtasts
