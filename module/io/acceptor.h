// Takes the connections that arrive at listening sockets, and pauses when the system has no room for one.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "core/ports.h"
#include "module/io/descriptor.h"

namespace mtasts {

// All callbacks come from the loop, which must outlive the acceptor. They neither stop nor destroy it.
class Acceptor {
 public:
  struct Source {
    Descriptor listening;  // non-blocking
    std::function<void(Descriptor socket)> take;
  };
  // With the errno of the accept(2) that failed. No connection is taken for a second then, at any of the sockets:
  // others may have ended by that time, and until then the loop would call again at once.
  using Paused = std::function<void(int error)>;

  // `at_once`: connections that are taken at one socket before anything else has its turn.
  Acceptor(EventLoop& loop, std::vector<Source> sources, int at_once, Paused paused);
  ~Acceptor() = default;
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  // Closes the listening sockets.
  void stop();

 private:
  void listen();
  void accept_from(const Source& source);
  void pause(int error);

  EventLoop& loop_;
  std::vector<Source> sources_;
  int at_once_;
  Paused paused_;
  std::vector<std::unique_ptr<EventLoop::Watch>> watches_;  // of all sources, or the end of the pause
};

}  // namespace mtasts
