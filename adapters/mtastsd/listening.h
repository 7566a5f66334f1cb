// The sockets that clients connect to.
#pragma once

#include <vector>

#include "module/config/config.h"
#include "module/io/descriptor.h"
#include "module/io/log.h"

namespace mtasts::mtastsd {

// What clients speak at a socket.
enum class Speaks { kSocketmap, kExim };

struct Listening {
  Descriptor socket;
  Speaks speaks = Speaks::kSocketmap;
};

// What the service manager opened beforehand: sockets named "exim" are Exim's. None: it hands no sockets over.
std::vector<Listening> handed_over_sockets();

// One socket for each address of `socketmap.listen` and `exim.listen`. Error kConfig: the first that cannot be had; mail
// servers would ask there in vain.
Result<std::vector<Listening>> listen_as_configured(const Config& config);

// The service manager's sockets count alone: an address that only the configuration names is one that clients ask in
// vain.
void warn_of_missing_sockets(const std::vector<Listening>& sockets, const Config& config, Log& log);

}  // namespace mtasts::mtastsd
