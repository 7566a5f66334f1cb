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

// Adds a socket for each address of `socketmap.listen` and of `exim.listen`, where the service manager handed none over
// for these clients: its sockets count instead. Error: one that cannot be had, where it handed over none at all; mail
// servers would ask there in vain. Otherwise that is logged: other mail servers can be answered.
Result<void> add_configured_sockets(const Config& config, std::vector<Listening>& sockets, Log& log);

}  // namespace mtasts::mtastsd
