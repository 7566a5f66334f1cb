// A server over real sockets, with a handler of the test's own, and its clients.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "module/io/event_loop.h"
#include "module/io/listen_socket.h"
#include "module/io/netstring.h"
#include "module/server/connection.h"
#include "module/server/server.h"
#include "tests/unit/module/fakes.h"
#include "tests/unit/module/scratch.h"

namespace mtasts::server {

// Knows what begins with "known", answers the rest when told to.
class FakeHandler final : public RequestHandler {
 public:
  Handled handle(std::string_view request, const PeerProcess& process, Done done) override {
    requests.emplace_back(request);
    if (request.starts_with("known")) {
      frame_ = encode_netstring("OK " + std::string(request) + filling);
      return {.frame = &frame_};
    }
    asked_by.push_back(process.peer);
    if (request.starts_with("refused")) {
      frame_ = "4:TEMP,";
      return {.frame = &frame_};
    }
    waiting.push_back(std::move(done));
    return {.pending = std::make_unique<Waiting>(*this)};
  }
  void complain(std::string_view why, std::string_view /*beginning*/) override { complaints.emplace_back(why); }

  std::string filling;
  std::size_t pending = 0;       // clients that still wait
  std::size_t perhaps_gone = 0;  // of these
  std::vector<Peer> asked_by;
  std::vector<std::string> requests;
  std::vector<Done> waiting;
  std::vector<std::string> complaints;

 private:
  struct Waiting final : Pending {
    explicit Waiting(FakeHandler& handler) : handler_(handler) { ++handler_.pending; }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    ~Waiting() override { --handler_.pending; }
    void client_may_be_gone() override { ++handler_.perhaps_gone; }
    FakeHandler& handler_;
  };
  std::string frame_;
};

inline constexpr std::size_t kMaxRequest = 10'000;

inline Cut cut(std::string_view bytes) {
  const auto found = parse_netstring(bytes, kMaxRequest);
  if (found.kind == NetstringResult::Kind::kMalformed) return {Cut::Kind::kMalformed};
  if (found.kind == NetstringResult::Kind::kIncomplete) return {Cut::Kind::kIncomplete};
  return {Cut::Kind::kComplete, found.payload, found.consumed};
}

// Of clients that stay, and of those that close their side when they have asked.
inline const Framing kFraming{cut, "nonsense", "", false};
inline const Framing kAskOnce{cut, "nonsense", "2:no,", true};

// The client's end of a connection.
class Client {
 public:
  explicit Client(Descriptor socket) : socket_(std::move(socket)) {
    const timeval limit{2, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  void send(std::string_view bytes) const {
    EXPECT_EQ(::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  // What has come by now.
  [[nodiscard]] std::string received() const {
    std::string bytes(1U << 16U, '\0');
    const auto got = ::recv(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    return bytes.substr(0, static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  }
  [[nodiscard]] bool is_closed() const {
    char byte = 0;
    const auto got = ::recv(socket_.get(), &byte, 1, MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno == ECONNRESET);
  }
  void stop_sending() const { ::shutdown(socket_.get(), SHUT_WR); }

 private:
  Descriptor socket_;
};

class Serving : public testing::Test {
 protected:
  explicit Serving(const Framing& framing = kFraming, std::size_t limit = 3)
      : loop_(std::move(make_event_loop().value())),
        address_(parse_listen_address("unix:" + scratch_.path() + "/socket").value()) {
    std::vector<Server::Endpoint> endpoints;
    endpoints.push_back({listen_on(address_, {}).value(), framing, handler_});
    server_ = std::make_unique<Server>(Server::Deps{*loop_, metrics_, log_}, std::move(endpoints), limit);
  }

  Client connect() {
    Client client(connect_to(address_, std::chrono::steady_clock::now() + std::chrono::seconds(1)).value());
    turn();
    return client;
  }
  // Everything that is ready is done.
  void turn() {
    const auto end = loop_->after(std::chrono::milliseconds(20), [this] { loop_->stop(); });
    loop_->run();
  }
  void say(const Client& client, std::string_view payload) {
    client.send(encode_netstring(payload));
    turn();
  }
  [[nodiscard]] std::string heard(const Client& client) {
    turn();
    return client.received();
  }

  Scratch scratch_;
  FakeHandler handler_;
  FakeLog log_;
  Metrics metrics_;
  std::unique_ptr<EventLoop> loop_;
  ListenAddress address_;
  std::unique_ptr<Server> server_;
};

// Clients that close their side when they have asked.
class ServingOnce : public Serving {
 protected:
  ServingOnce() : Serving(kAskOnce) {}
};

}  // namespace mtasts::server
