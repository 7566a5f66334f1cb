#include "module/server/server.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <iterator>
#include <utility>

namespace mtasts::server {
namespace {

// At one listener, before the others have their turn.
constexpr int kAtOnce = 64;

}  // namespace

Server::Server(Deps deps, std::vector<Endpoint> endpoints, std::size_t max_connections)
    : deps_(deps), max_connections_(max_connections) {
  std::vector<Acceptor::Source> sources;
  for (Endpoint& endpoint : endpoints) {
    const Connection::Deps& of_its_own = of_connections_.emplace_back(Connection::Deps{
        deps.loop, endpoint.framing, endpoint.handler, [this](Connection& connection) { move_to_back(connection); },
        [this](Connection& connection) { end(connection); }});
    sources.push_back(
        {std::move(endpoint.socket), [this, &of_its_own](Descriptor socket) { take(std::move(socket), of_its_own); }});
  }
  acceptor_ = std::make_unique<Acceptor>(deps.loop, std::move(sources), kAtOnce, [this](int error) {
    deps_.log.write(
        LogLevel::kWarning,
        LogLine("cannot-accept").text("error", std::strerror(error)).text("effect", "connections wait for a second"));
  });
}

void Server::take(Descriptor socket, const Connection::Deps& deps) {
  Peer peer = peer_of(socket);
  if (places_.size() >= max_connections_ && !make_room(peer)) {
    deps_.metrics.refused();
    return;
  }
  deps_.metrics.connected();
  Connections& list = connections_[peer];
  list.push_back(std::make_unique<Connection>(std::move(socket), std::move(peer), deps));
  places_.emplace(list.back().get(), Place{&list, std::prev(list.end())});
}

void Server::move_to_back(const Connection& connection) {
  const Place& place = places_.at(&connection);
  place.list->splice(place.list->end(), *place.list, place.position);
}

// Max-min fairness: of the peer that has most connections one is closed, so that nobody can take the places of others.
// Those that wait for an answer are fewer than all (admission.h), so that there is nearly always one to close.
bool Server::make_room(const Peer& newcomer) {
  std::vector<std::pair<std::size_t, Connections*>> peers;
  for (auto& [peer, list] : connections_) peers.emplace_back(list.size() + (peer == newcomer ? 1 : 0), &list);
  std::ranges::sort(peers, std::greater{});
  if (told_full_.is_due()) {
    const Peer& most = peers.front().second->front()->peer();
    deps_.log.write(LogLevel::kWarning, LogLine("too-many-connections")
                                            .field("limit", max_connections_)
                                            .text("peer", describe(most))
                                            .field("connections", peers.front().second->size())
                                            .text("effect",
                                                  "those of this peer that are idle for longest are closed; "
                                                  "what they have asked is answered first")
                                            .text("action",
                                                  "find out why it has so many; if it is your mail server, "
                                                  "raise socketmap.max_connections"));
  }
  return std::ranges::any_of(peers, [this](const auto& one) { return close_one_of(*one.second); });
}

// The one that has been silent for longest; one between two requests before one that stopped in the middle of
// something, or has closed its side. Whoever waits for an answer keeps its place. A request that has arrived and was
// not read yet is answered first; when that takes a lookup, the next one is looked at.
bool Server::close_one_of(Connections& connections) {
  const std::size_t before = places_.size();
  for (auto next = connections.begin(); next != connections.end();) {
    Connection& connection = **next++;
    if (!connection.is_idle()) continue;
    connection.finish();
    if (places_.size() < before) return true;
  }
  const auto stuck = std::ranges::find_if(connections, [](const auto& one) { return !one->is_waiting(); });
  if (stuck == connections.end()) return false;
  end(**stuck);
  return true;
}

void Server::end(Connection& connection) {
  const Peer peer = connection.peer();
  const Place place = places_.extract(&connection).mapped();
  place.list->erase(place.position);
  if (place.list->empty()) connections_.erase(peer);
  deps_.metrics.disconnected();
  if (places_.empty() && drained_) drained_soon_ = deps_.loop.after(std::chrono::milliseconds(0), drained_);
}

void Server::drain(std::function<void()> done) {
  acceptor_->stop();
  drained_ = std::move(done);
  if (places_.empty()) drained_soon_ = deps_.loop.after(std::chrono::milliseconds(0), drained_);
  std::vector<Connection*> all;
  for (const auto& [connection, place] : places_) all.push_back(place.position->get());
  for (Connection* connection : all) connection->finish();  // may end it, and no other
}

}  // namespace mtasts::server
