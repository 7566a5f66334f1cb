// The EventLoop over libevent. Linked into the engine libraries only.
#pragma once

#include <memory>

#include "core/ports.h"
#include "core/result.h"

namespace mtasts {

// Error kEngine when the system gives no poller.
Result<std::unique_ptr<EventLoop>> make_event_loop();

}  // namespace mtasts
