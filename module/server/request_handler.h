// Who answers the requests of a connection.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "module/server/peer.h"

namespace mtasts::server {

class RequestHandler {
 public:
  using Done = std::function<void(const std::string& frame)>;

  // A request that waits for its answer; destroyed, it is given up.
  class Pending {
   public:
    Pending() = default;
    Pending(const Pending&) = delete;
    Pending& operator=(const Pending&) = delete;
    virtual ~Pending() = default;
    // The client sends nothing more: it may wait for the answer, or be gone. Over TCP nobody can tell.
    virtual void client_may_be_gone() = 0;
  };
  // One of the two.
  struct Handled {
    const std::string* frame = nullptr;  // that answers; valid until the next call
    std::unique_ptr<Pending> pending{};  // the answer comes later
  };

  virtual ~RequestHandler() = default;
  // Answers the payload of a request: at once from what is cached, or with a refusal, or after a lookup. `done` is
  // called at most once, never from inside this call, at the latest when the time for a lookup is over; not when the
  // answer came at once or the request was given up. It may destroy what was returned.
  virtual Handled handle(std::string_view request, const PeerProcess& process, Done done) = 0;
  // A client is dropped: `why`, and the beginning of what it sent, any bytes.
  virtual void complain(std::string_view why, std::string_view beginning) = 0;
};

}  // namespace mtasts::server
