#include "module/helper/server.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "module/engine/dns_warning.h"

namespace mtasts {

using std::chrono::milliseconds;

HelperServer::HelperServer(Deps deps, Descriptor socket, FrameReader reader, std::function<void()> peer_gone)
    : deps_(deps), socket_(std::move(socket)), reader_(std::move(reader)), peer_gone_(std::move(peer_gone)) {
  readable_ = deps_.loop.watch(socket_.get(), EventLoop::kRead, [this](unsigned /*what*/) { receive(); });
  first_ = deps_.loop.after(milliseconds(0), [this] { serve_all(); });
}

void HelperServer::receive() {
  std::array<char, 16 * 1024> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by recv(2)
  const auto got = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return end();
  reader_.add({buffer.data(), static_cast<std::size_t>(got)});
  serve_all();
}

void HelperServer::serve_all() {
  for (;;) {
    const auto frame = reader_.next();
    if (frame && !*frame) return;
    if (!frame || !serve(**frame)) return end();
  }
}

// False: no request.
bool HelperServer::serve(const Fields& request) {
  if (request.size() < 3) return false;
  const std::string& kind = request[1];
  if (kind == "lookup") return serve_lookup(request);
  if (kind == "probe") return serve_probe(request);
  return request.size() == 3 && serve_question(request[0], kind, request[2]);
}

bool HelperServer::serve_question(const std::string& id, const std::string& type, const std::string& name) {
  const auto done = [this, id](const auto& answer) { reply(id, encode_dns(answer)); };
  if (type == "txt")
    deps_.resolver.txt(name, done);
  else if (type == "mx")
    deps_.resolver.mx(name, done);
  else if (type == "addresses")
    deps_.resolver.addresses(name, done);
  else if (type == "tlsa")
    deps_.resolver.tlsa(name, done);
  else if (type == "cname")
    deps_.resolver.cname(name, done);
  else
    return false;
  return true;
}

bool HelperServer::serve_lookup(const Fields& request) {
  if (request.size() != 5) return false;
  const auto domain = Domain::parse(request[2]);
  const auto deadline = parse_number(request[4]);
  const auto effort = request[3] == "refresh" ? Lookup::Effort::kRefresh : Lookup::Effort::kNormal;
  if (!domain || !deadline) return false;
  deps_.engine.lookup(*domain, effort, milliseconds(*deadline), [this, id = request[0]](const Outcome& outcome) {
    reply(id, encode_lookup(outcome));
    if (deps_.warns) warn_of_dns_failure(deps_.store.throttle(), deps_.log, outcome);
  });
  return true;
}

bool HelperServer::serve_probe(const Fields& request) {
  if (request.size() < 4) return false;
  const auto sni = request[3] == "sni" ? MxProber::Sni::kSent : MxProber::Sni::kLeftOut;
  deps_.prober.probe(request[2], {request.begin() + 4, request.end()}, sni,
                     [this, id = request[0]](const MxTrial& trial) { reply(id, encode_trial(trial)); });
  return true;
}

void HelperServer::reply(const std::string& id, Fields fields) {
  if (!socket_) return;  // what was found out is cached all the same
  fields.insert(fields.begin(), id);
  out_ += encode_frame(fields);
  send();
}

void HelperServer::send() {
  while (!out_.empty()) {
    const auto sent = ::send(socket_.get(), out_.data(), out_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno != EAGAIN) return end();
    if (sent < 0) break;
    out_.erase(0, static_cast<std::size_t>(sent));
  }
  if (out_.empty()) return writable_.reset();
  if (!writable_) writable_ = deps_.loop.watch(socket_.get(), EventLoop::kWrite, [this](unsigned /*what*/) { send(); });
}

void HelperServer::end() {
  if (!socket_) return;
  readable_.reset();
  writable_.reset();
  socket_ = Descriptor();
  peer_gone_();
}

}  // namespace mtasts
