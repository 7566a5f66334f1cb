// One client: requests in, replies out, in order and one at a time. A client that sends garbage, or stops in the middle
// of a request or of reading a reply, is dropped within bounds.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/ports.h"
#include "module/io/descriptor.h"
#include "module/server/framing.h"
#include "module/server/request_handler.h"

namespace mtasts::server {

class Connection {
 public:
  struct Deps {
    EventLoop& loop;
    const Framing& framing;
    RequestHandler& handler;
    std::function<void(Connection&)> active;  // something came from the client
    std::function<void(Connection&)> ended;   // nothing more comes of it; may destroy the connection
  };

  // `socket`: non-blocking. `deps` must outlive the connection.
  Connection(Descriptor socket, Peer peer, const Deps& deps);

  [[nodiscard]] const Peer& peer() const { return process_.peer; }

  // Neither a request nor a reply is under way.
  [[nodiscard]] bool is_idle() const { return in_.empty() && out_.empty() && !pending_; }
  // It is our turn: the client waits for an answer of the handler, and has not closed its side without being expected
  // to.
  [[nodiscard]] bool is_waiting() const { return pending_ && (!no_more_ || deps_.framing.clients_stop_sending); }
  // What has come already is answered, then it ends; it may have ended when this returns.
  void finish();

 private:
  void ready(unsigned what);
  void receive();
  std::string_view answer_next(std::string_view bytes);
  void answer_one(std::string_view request);
  void on_answer(const std::string& frame);
  void settle();
  void answer_more();
  bool send();
  void wait_for_client();
  void client_closed();
  [[nodiscard]] bool is_over() const;

  const Deps& deps_;
  Descriptor socket_;
  PeerProcess process_;
  std::string in_;   // a request whose end has not come, or those behind the one that is waited for
  std::string out_;  // not sent yet
  std::unique_ptr<RequestHandler::Pending> pending_;  // what the handler has not answered yet
  bool no_more_ = false;                              // nothing is read any more
  bool finishing_ = false;                            // it ends as soon as it is idle
  unsigned interest_ = 0;
  bool was_served_ = false;  // since then what is in `in_` was not looked at
  std::unique_ptr<EventLoop::Watch> watch_;
  std::unique_ptr<EventLoop::Watch> next_turn_;  // for the next of its requests, after those of others
  std::unique_ptr<EventLoop::Watch> timer_;      // of a client that does not go on
};

}  // namespace mtasts::server
