// Takes connections at listening sockets and keeps their number within a limit, fairly between peers.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "module/io/acceptor.h"
#include "module/io/log.h"
#include "module/io/log_throttle.h"
#include "module/server/connection.h"
#include "module/server/metrics.h"

namespace mtasts::server {

// Everything passed to the constructor must outlive the server. One thread.
class Server {
 public:
  struct Deps {
    EventLoop& loop;
    Metrics& metrics;
    Log& log;
  };

  // Where clients of one kind connect to. `socket`: listening, non-blocking.
  struct Endpoint {
    Descriptor socket;
    const Framing& framing;
    RequestHandler& handler;
  };

  Server(Deps deps, std::vector<Endpoint> endpoints, std::size_t max_connections);

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
  void take(Descriptor socket, const Connection::Deps& deps);
  bool make_room(const Peer& newcomer);
  bool close_one_of(Connections& connections);
  void move_to_back(const Connection& connection);
  void end(Connection& connection);

  Deps deps_;
  std::list<Connection::Deps> of_connections_;  // one an endpoint
  std::size_t max_connections_;
  std::map<Peer, Connections> connections_;
  std::unordered_map<const Connection*, Place> places_;
  std::unique_ptr<Acceptor> acceptor_;
  std::function<void()> drained_;
  std::unique_ptr<EventLoop::Watch> drained_soon_;
  LogThrottle told_full_{std::chrono::hours(1)};
};

}  // namespace mtasts::server
