// Takes connections at listening sockets and keeps their number within a limit, fairly between peers.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "adapters/socketmap/connection.h"
#include "adapters/socketmap/metrics.h"
#include "module/io/log.h"
#include "module/io/log_throttle.h"

namespace mtasts::socketmap {

// Everything passed to the constructor must outlive the server. One thread.
class Server {
 public:
  struct Deps {
    EventLoop& loop;
    RequestHandler& handler;
    Metrics& metrics;
    Log& log;
  };

  // `sockets`: listening, non-blocking.
  Server(Deps deps, std::vector<Descriptor> sockets, std::size_t max_connections);

  void set_max_connections(std::size_t number) { max_connections_ = number; }
  // No connection is taken any more; those that are there end when what they asked is answered. `done` is called once,
  // from the loop, when the last one has ended.
  void drain(std::function<void()> done);
  [[nodiscard]] std::size_t connections() const { return places_.size(); }

 private:
  // Of one peer; whoever was heard of last is last.
  using Connections = std::list<std::unique_ptr<Connection>>;
  struct Place {
    Connections* list;
    Connections::iterator position;
  };
  struct Listener {
    Descriptor socket;
    std::unique_ptr<EventLoop::Watch> watch;
  };

  void listen();
  void accept_from(const Listener& listener);
  void take(Descriptor socket);
  bool make_room(const Peer& newcomer);
  bool close_one_of(Connections& connections);
  void move_to_back(const Connection& connection);
  void pause(int error);
  void end(Connection& connection);

  Deps deps_;
  Connection::Deps connection_deps_;
  std::vector<Listener> listeners_;
  std::size_t max_connections_;
  std::map<Peer, Connections> connections_;
  std::unordered_map<const Connection*, Place> places_;
  std::unique_ptr<EventLoop::Watch> pause_;
  std::function<void()> drained_;
  std::unique_ptr<EventLoop::Watch> drained_soon_;
  LogThrottle told_full_{std::chrono::hours(1)};
};

}  // namespace mtasts::socketmap
