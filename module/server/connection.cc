#include "module/server/connection.h"

#include <poll.h>

#include <array>
#include <chrono>
#include <utility>

#include "module/io/stream.h"

namespace mtasts::server {
namespace {

// How long the rest of a request, or the reading of a reply, may take.
constexpr std::chrono::seconds kClientTimeout{10};
// What a large reply took is given back.
constexpr std::size_t kMaxKept = 64UL * 1024;
// What is read of a client whose request waits: only to notice that it closes.
constexpr std::size_t kMaxReadAhead = 16UL * 1024;

// Of a unix socket both sides are closed: nobody is there to take the answer. Over TCP a client that is gone looks like
// one that has only finished sending.
bool is_hung_up(const Descriptor& socket) {
  pollfd state{socket.get(), 0, 0};
  return ::poll(&state, 1, 0) == 1 && (state.revents & (POLLHUP | POLLERR)) != 0;
}

}  // namespace

Connection::Connection(Descriptor socket, Peer peer, const Deps& deps)
    : deps_(deps), socket_(std::move(socket)), process_(peer_process_of(socket_, std::move(peer))) {
  wait_for_client();
}

void Connection::finish() {
  finishing_ = true;
  if (pending_ || next_turn_ || !out_.empty() || no_more_) return;
  receive();
}

void Connection::ready(unsigned what) {
  if ((what & EventLoop::kWrite) != 0) return settle();
  deps_.active(*this);
  receive();
}

// The usual request comes whole and is answered from where it was read to.
void Connection::receive() {
  std::array<char, 16 * 1024> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by recv(2)
  const auto received = receive_now(socket_.get(), buffer);
  if (!received || received->empty()) {
    if (received) client_closed();
    return settle();
  }
  if (in_.empty()) {
    in_ = answer_next(*received);
    settle();
  } else {
    in_ += *received;
    answer_more();
  }
}

void Connection::client_closed() {
  no_more_ = true;
  if (!pending_ && !in_.empty() && !next_turn_) out_ += deps_.framing.farewell;
  if (!pending_) return;
  if (!deps_.framing.clients_stop_sending) pending_->client_may_be_gone();
  if (!is_hung_up(socket_)) return;
  pending_.reset();
  in_.clear();
}

void Connection::answer_more() {
  next_turn_.reset();
  in_.erase(0, in_.size() - answer_next(in_).size());
  settle();
}

// One request: whoever sends many ahead has the next answered after those of others. Returns what is left: the
// beginning of a request, or what has to wait.
std::string_view Connection::answer_next(std::string_view bytes) {
  if (pending_) return bytes;
  was_served_ = false;
  const Cut request = deps_.framing.cut(bytes);
  if (request.kind == Cut::Kind::kIncomplete) return bytes;
  if (request.kind == Cut::Kind::kMalformed) {
    deps_.handler.complain(deps_.framing.complaint, bytes);
    out_ += deps_.framing.farewell;
    no_more_ = true;
    return {};
  }
  answer_one(request.payload);
  timer_.reset();
  was_served_ = true;
  bytes.remove_prefix(request.consumed);
  return bytes;
}

void Connection::answer_one(std::string_view request) {
  auto handled = deps_.handler.handle(request, process_, [this](const std::string& frame) { on_answer(frame); });
  if (handled.frame != nullptr)
    out_ += *handled.frame;
  else
    pending_ = std::move(handled.pending);
}

void Connection::on_answer(const std::string& frame) {
  pending_.reset();
  out_ += frame;
  settle();
}

// Sends what there is to send and waits for what comes next. The last thing that is done in any callback: the
// connection may be gone afterwards.
void Connection::settle() {
  if (send() && out_.empty() && !pending_ && !in_.empty() && was_served_ && !next_turn_)
    next_turn_ = deps_.loop.after(std::chrono::milliseconds(0), [this] { answer_more(); });
  if (is_over()) return deps_.ended(*this);
  wait_for_client();
}

// False: the client is gone.
bool Connection::send() {
  if (out_.empty()) return true;
  if (!send_now(socket_.get(), out_)) {
    no_more_ = true;
    pending_.reset();
    next_turn_.reset();
    in_.clear();
    out_.clear();
    return false;
  }
  if (out_.empty() && out_.capacity() > kMaxKept) out_.shrink_to_fit();
  return true;
}

// The beginning of a request that will never end is nothing to wait for.
bool Connection::is_over() const {
  return (no_more_ && !pending_ && !next_turn_ && out_.empty()) || (finishing_ && is_idle());
}

void Connection::wait_for_client() {
  const bool reads = out_.empty() && !no_more_ && !next_turn_ && (!pending_ || in_.size() < kMaxReadAhead);
  const unsigned interest = (reads ? EventLoop::kRead : 0U) | (out_.empty() ? 0U : EventLoop::kWrite);
  if (interest != std::exchange(interest_, interest)) {
    watch_.reset();
    if (interest != 0) watch_ = deps_.loop.watch(socket_.get(), interest, [this](unsigned what) { ready(what); });
  }
  const bool client_owes = !out_.empty() || (reads && !pending_ && !in_.empty());
  if (!client_owes) return timer_.reset();
  if (timer_) return;
  timer_ = deps_.loop.after(kClientTimeout, [this] {
    deps_.handler.complain(out_.empty() ? "it did not go on with its request" : "it does not read its replies", in_);
    if (out_.empty()) {
      out_ = deps_.framing.farewell;
      send();
    }
    deps_.ended(*this);
  });
}

}  // namespace mtasts::server
