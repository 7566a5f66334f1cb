#include "adapters/socketmap/connection.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

#include "module/netstring.h"

namespace mtasts::socketmap {
namespace {

// How long the rest of a request, or the reading of a reply, may take.
constexpr std::chrono::seconds kPatience{10};
// A client that asks for more without reading is answered no further.
constexpr std::size_t kMostUnread = 128UL * 1024;
// What is read of a client whose request waits: only to notice that it closes.
constexpr std::size_t kMaxReadAhead = 16UL * 1024;

// Of a unix socket both sides are closed: nobody is there to take the answer. Over TCP a client that is gone looks like
// one that has only finished sending.
bool is_hung_up(const Descriptor& socket) {
  pollfd state{socket.get(), 0, 0};
  return ::poll(&state, 1, 0) == 1 && (state.revents & (POLLHUP | POLLERR)) != 0;
}

}  // namespace

Connection::Connection(Descriptor socket, Peer peer, const Parts& parts)
    : parts_(parts), socket_(std::move(socket)), peer_(std::move(peer)) {
  wait_for_client();
}

void Connection::finish() {
  finishing_ = true;
  if (pending_ || !out_.empty() || no_more_) return;
  receive();
}

void Connection::ready(unsigned what) {
  if ((what & EventLoop::kWrite) != 0) return settle();
  parts_.active(*this);
  receive();
}

// The usual request comes whole and is answered from where it was read to.
void Connection::receive() {
  std::array<char, 16 * 1024> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by recv(2)
  const auto got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (got <= 0) {
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) client_closed();
    return settle();
  }
  const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
  if (in_.empty()) {
    in_ = answer_all(bytes);
  } else {
    in_ += bytes;
    in_.erase(0, in_.size() - answer_all(in_).size());
  }
  settle();
}

void Connection::client_closed() {
  no_more_ = true;
  if (!pending_) return;
  pending_->client_may_be_gone();
  if (!is_hung_up(socket_)) return;
  pending_.reset();
  in_.clear();
}

// Returns what is left: the beginning of a request, or what has to wait.
std::string_view Connection::answer_all(std::string_view bytes) {
  while (!pending_ && out_.size() < kMostUnread) {
    const auto request = parse_netstring(bytes, kMaxRequest);
    if (request.kind == NetstringResult::Kind::kIncomplete) break;
    if (request.kind == NetstringResult::Kind::kMalformed) {
      parts_.desk.complain("what it sent is no socketmap request", bytes);
      no_more_ = true;
      return {};
    }
    answer_one(request.payload);
    bytes.remove_prefix(request.consumed);
    timer_.reset();
  }
  return bytes;
}

void Connection::answer_one(std::string_view request) {
  if (const std::string* frame = parts_.desk.known(request)) {
    out_ += *frame;
    return;
  }
  auto asked = parts_.desk.ask(request, peer_, [this](const std::string& frame) { on_answer(frame); });
  pending_ = std::move(asked.pending);
  if (!pending_) out_ += asked.refusal;
}

void Connection::on_answer(const std::string& frame) {
  pending_.reset();
  out_ += frame;
  settle();
}

// Sends what there is to send, answers what has come meanwhile, and waits for what comes next. The last thing that is
// done in any callback: the connection may be gone afterwards.
void Connection::settle() {
  while (send() && out_.empty() && !pending_ && !in_.empty()) {
    const std::size_t before = in_.size();
    in_.erase(0, before - answer_all(in_).size());
    if (in_.size() == before) break;
  }
  if (is_over()) return parts_.ended(*this);
  wait_for_client();
}

// False: the client is gone.
bool Connection::send() {
  if (out_.empty()) return true;
  const auto sent = ::send(socket_.get(), out_.data(), out_.size(), MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) {
    no_more_ = true;
    pending_.reset();
    in_.clear();
    out_.clear();
    return false;
  }
  out_.erase(0, static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
  if (out_.empty() && out_.capacity() > kMostUnread / 2) out_.shrink_to_fit();
  return true;
}

// The beginning of a request that will never end is nothing to wait for.
bool Connection::is_over() const { return (no_more_ && !pending_ && out_.empty()) || (finishing_ && is_idle()); }

void Connection::wait_for_client() {
  const bool reads = out_.empty() && !no_more_ && (!pending_ || in_.size() < kMaxReadAhead);
  const unsigned interest = (reads ? EventLoop::kRead : 0U) | (out_.empty() ? 0U : EventLoop::kWrite);
  if (interest != std::exchange(interest_, interest)) {
    watch_.reset();
    if (interest != 0) watch_ = parts_.loop.watch(socket_.get(), interest, [this](unsigned what) { ready(what); });
  }
  const bool client_owes = !out_.empty() || (reads && !pending_ && !in_.empty());
  if (!client_owes) return timer_.reset();
  if (timer_) return;
  timer_ = parts_.loop.after(kPatience, [this] {
    parts_.desk.complain(out_.empty() ? "it did not go on with its request" : "it does not read its replies", in_);
    parts_.ended(*this);
  });
}

}  // namespace mtasts::socketmap
