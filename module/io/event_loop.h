// The EventLoop over libevent. Linked into the engine libraries only.
//
// One thread owns a loop from make_event_loop() to its destruction. It does not survive fork(): the child neither uses
// nor destroys its copy. For as long as a loop lives SIGPIPE is blocked on its thread, because getdns and the TLS
// libraries write to sockets without MSG_NOSIGNAL; the disposition of the signal stays as the process has it.
#pragma once

#include <memory>

#include "core/ports.h"
#include "core/result.h"

namespace mtasts {

// Error kLocalFault when the system gives no poller.
Result<std::unique_ptr<EventLoop>> make_event_loop();

}  // namespace mtasts
