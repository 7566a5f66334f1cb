// The sockets that clients connect to.
#pragma once

#include <vector>

#include "module/config/config.h"
#include "module/io/descriptor.h"
#include "module/io/log.h"

namespace mtasts::socketmap {

// One socket for each address of `socketmap.listen`. Error kConfig: the first that cannot be had; mail servers would
// ask there in vain.
Result<std::vector<Descriptor>> listen_as_configured(const Config& config);

// The service manager's sockets count alone: an address that only the configuration names is one that clients ask in
// vain.
void warn_of_missing_sockets(const std::vector<Descriptor>& sockets, const Config& config, Log& log);

}  // namespace mtasts::socketmap
