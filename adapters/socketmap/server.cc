#include "adapters/socketmap/server.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace mtasts::socketmap {
namespace {

// How long no connection is taken after the system has refused one: until then others may have ended.
constexpr std::chrono::seconds kPause{1};
// At one listener, before the others have their turn.
constexpr int kAtOnce = 64;

bool is_of_the_client(int error) { return error == ECONNABORTED || error == EINTR || error == EPROTO; }

}  // namespace

Server::Server(Parts parts, std::vector<Descriptor> sockets, std::size_t max_connections)
    : parts_(parts),
      connection_parts_{parts.loop, parts.desk,
                        [this](Connection& connection) {
                          connections_.splice(connections_.end(), connections_, places_.at(&connection));
                        },
                        [this](Connection& connection) { end(connection); }},
      max_connections_(max_connections) {
  for (Descriptor& socket : sockets) listeners_.push_back({std::move(socket), nullptr});
  listen();
}

void Server::listen() {
  pause_.reset();
  for (Listener& listener : listeners_) {
    listener.watch = parts_.loop.watch(listener.socket.get(), EventLoop::kRead,
                                       [this, &listener](unsigned /*what*/) { accept_from(listener); });
  }
}

void Server::accept_from(const Listener& listener) {
  for (int i = 0; i < kAtOnce; ++i) {
    Descriptor socket(::accept4(listener.socket.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket) {
      take(std::move(socket));
      continue;
    }
    const int error = errno;
    if (error != EAGAIN && !is_of_the_client(error)) pause(error);
    return;
  }
}

void Server::take(Descriptor socket) {
  if (connections_.size() >= max_connections_ && !make_room()) {
    parts_.metrics.refused();
    return;
  }
  parts_.metrics.connected();
  connections_.push_back(std::make_unique<Connection>(std::move(socket), connection_parts_));
  places_.emplace(connections_.back().get(), std::prev(connections_.end()));
}

// The client that has been silent for longest gives its place up, one between two requests before one that stopped in
// the middle of something: else a few that never go on could keep all others out. Whoever waits for an answer keeps it.
bool Server::make_room() {
  if (!std::exchange(told_full_, true)) {
    parts_.log.write(LogLevel::kWarning,
                     "event=too-many-connections limit=" + std::to_string(max_connections_) +
                         " effect=\"silent ones are closed\" action=\"raise socketmap.max_connections\"");
  }
  auto silent = std::ranges::find_if(connections_, [](const auto& connection) { return connection->is_idle(); });
  if (silent == connections_.end())
    silent = std::ranges::find_if(connections_, [](const auto& connection) { return !connection->is_waiting(); });
  if (silent == connections_.end()) return false;
  end(**silent);
  return true;
}

void Server::pause(int error) {
  parts_.log.write(LogLevel::kWarning, std::string("event=cannot-accept error=\"") + std::strerror(error) +
                                           "\" effect=\"connections wait for a second\"");
  for (Listener& listener : listeners_) listener.watch.reset();
  pause_ = parts_.loop.after(kPause, [this] { listen(); });
}

void Server::end(Connection& connection) {
  const auto place = places_.extract(&connection).mapped();
  connections_.erase(place);
  parts_.metrics.disconnected();
  if (connections_.empty() && drained_) drained_soon_ = parts_.loop.after(std::chrono::milliseconds(0), drained_);
}

void Server::drain(std::function<void()> done) {
  pause_.reset();
  listeners_.clear();
  drained_ = std::move(done);
  if (connections_.empty()) drained_soon_ = parts_.loop.after(std::chrono::milliseconds(0), drained_);
  for (auto next = connections_.begin(); next != connections_.end();) {
    Connection& connection = **next++;  // may end at once
    connection.finish();
  }
}

}  // namespace mtasts::socketmap
