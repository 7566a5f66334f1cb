// Sockets at a ListenAddress: the listening end of a server, and a way to it for a client. Errors are one sentence
// that says what to do.
#pragma once

#include <chrono>

#include "core/result.h"
#include "core/time.h"
#include "module/io/descriptor.h"
#include "module/io/listen_address.h"

namespace mtasts {

// A listening socket, non-blocking, closed on exec. Of a unix socket the file has its owner, group and mode before
// anybody can connect; one that an earlier process left behind is replaced, one that somebody answers on is not.
// Error kConfig.
Result<Descriptor> listen_on(const ListenAddress& address, const SocketRights& rights);

// A connected, blocking socket, closed on exec, whose sending and receiving end after the time that was left, too.
// Error kDeadline, or kLocalFault when nobody listens there.
Result<Descriptor> connect_to(const ListenAddress& address, SteadyTime deadline);

}  // namespace mtasts
