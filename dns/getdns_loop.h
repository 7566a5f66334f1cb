// Lets getdns wait on our EventLoop. getdns's own libevent extension is not used: Debian's shared object exports
// nothing, and what is in the static one inverts run_once's flag (docs/facts.md).
#pragma once

#include <cstdint>
#include <memory>

#include "core/ports.h"

struct getdns_eventloop;

namespace mtasts {

// Must outlive the contexts that it is attached to; `loop` must outlive it.
class GetdnsLoop {
 public:
  explicit GetdnsLoop(EventLoop& loop);
  ~GetdnsLoop();
  GetdnsLoop(const GetdnsLoop&) = delete;
  GetdnsLoop& operator=(const GetdnsLoop&) = delete;

  // For getdns_context_set_eventloop().
  getdns_eventloop* get();

  // How often getdns was told to read.
  [[nodiscard]] std::uint64_t reads() const;

 private:
  struct Extension;
  std::unique_ptr<Extension> extension_;
};

}  // namespace mtasts
