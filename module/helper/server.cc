#include "module/helper/server.h"

#include <algorithm>
#include <array>
#include <utility>

#include "module/engine/dns_warning.h"
#include "module/helper/inspection_frames.h"
#include "module/helper/session_fields.h"
#include "module/io/stream.h"

namespace mtasts {

using std::chrono::milliseconds;

namespace {

bool is_told_only(const std::string& kind) {
  return kind == kReportRequest || kind == kUnlistedRequest || kind == kLearnRequest;
}

}  // namespace

HelperServer::HelperServer(Deps deps, Descriptor socket, FrameReader reader, std::function<void()> peer_gone)
    : deps_(deps), socket_(std::move(socket)), reader_(std::move(reader)), peer_gone_(std::move(peer_gone)) {
  deps_.engine.on_late([this](const Outcome& outcome) { warn_of_failure(outcome); });
  first_ = deps_.loop.after(milliseconds(0), [this] { begin(); });
}

// What came behind the settings is served before anything is read: a peer that only reports may have gone already.
void HelperServer::begin() {
  serve_all();
  if (socket_) readable_ = deps_.loop.watch(socket_.get(), EventLoop::kRead, [this](unsigned /*what*/) { receive(); });
}

void HelperServer::receive() {
  std::array<char, 16 * 1024> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by recv(2)
  const auto received = receive_now(socket_.get(), buffer);
  if (!received) return;
  if (received->empty()) return end();
  reader_.add(*received);
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
  is_told_only(kind) ? end_after_sessions() : serve_until_peer_ends();
  if (kind == "lookup") return serve_lookup(request);
  if (kind == "probe") return serve_probe(request);
  if (kind == "txt-at" || kind == "cname-at") return serve_server_question(request);
  if (kind == "policy-host") return serve_policy_host(request);
  if (kind == "mx-host") return serve_mx_host(request);
  if (kind == kReportRequest || kind == kUnlistedRequest) return serve_report(request);
  if (kind == kLearnRequest) return serve_learning(request);
  return request.size() == 3 && serve_question(request[0], kind, request[2]);
}

// A process that reports sessions keeps its end open until it has more of them, which may take days.
void HelperServer::end_after_sessions() {
  if (!answers_ && !sessions_over_) sessions_over_ = deps_.loop.after(kTakesSessionsFor, [this] { end(); });
}

void HelperServer::serve_until_peer_ends() {
  answers_ = true;
  sessions_over_.reset();
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
  else if (type == "ns")
    deps_.resolver.ns(name, done);
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
    warn_of_failure(outcome);
    learn(outcome);
  });
  return true;
}

// Not of a failure of before, where the record has not been answered yet.
void HelperServer::warn_of_failure(const Outcome& outcome) {
  using Progress = Outcome::Progress;
  if (deps_.warns && outcome.progress != Progress::kRecordPending && outcome.progress != Progress::kNotAsked)
    warn_of_dns_failure(deps_.store.throttle(), deps_.log, outcome);
}

bool HelperServer::serve_probe(const Fields& request) {
  if (request.size() < 4) return false;
  const auto sni = request[3] == "sni" ? MxProber::Sni::kSent : MxProber::Sni::kLeftOut;
  deps_.prober.probe(request[2], {request.begin() + 4, request.end()}, sni,
                     [this, id = request[0]](const MxTrial& trial) { reply(id, encode_trial(trial)); });
  return true;
}

bool HelperServer::serve_report(const Fields& request) {
  const auto session = decode_session(request);
  if (!session || deps_.reports == nullptr) return session.has_value();
  request[1] == kReportRequest ? deps_.reports->report(*session) : deps_.reports->report_unlisted(*session);
  return session.has_value();
}

bool HelperServer::serve_learning(const Fields& request) {
  const auto domain = Domain::parse(request[2]);
  if (domain && deps_.reports != nullptr) deps_.reports->learn(*domain);
  return request.size() == 3 && domain;
}

// Behind the answer: what a delivery is told does not depend on it, and by the time that there is something to report
// it is known.
void HelperServer::learn(const Outcome& outcome) {
  const CacheEntry& entry = outcome.entry;
  if (deps_.reports != nullptr && (entry.policy || entry.failure)) deps_.reports->learn(entry.domain);
}

bool HelperServer::serve_server_question(const Fields& request) {
  if (request.size() != 4) return false;
  const auto type = request[1] == "txt-at" ? ServerQuestions::Type::kTxt : ServerQuestions::Type::kCname;
  deps_.servers.ask(request[3], request[2], type,
                    [this, id = request[0]](const auto& answer) { reply(id, encode_dns(answer)); });
  return true;
}

bool HelperServer::serve_policy_host(const Fields& request) {
  const auto domain = Domain::parse(request[2]);
  if (request.size() != 4 || !domain) return false;
  deps_.inspector.policy_host(*domain, request[3], [this, id = request[0]](const PolicyAddressFact& fact) {
    reply(id, encode_policy_host(fact));
  });
  return true;
}

bool HelperServer::serve_mx_host(const Fields& request) {
  if (request.size() < 5) return false;
  const auto host = Domain::parse(request[2]);
  const auto tlsa = decode_dns<TlsaRecord>(Fields(request.begin() + 4, request.end()));
  if (!host || !tlsa) return false;
  deps_.inspector.mx_host(*host, request[3], tlsa->records,
                          [this, id = request[0]](const MxAddressFact& fact) { reply(id, encode_mx_host(fact)); });
  return true;
}

void HelperServer::reply(const std::string& id, Fields fields) {
  if (!socket_) return;  // what was found out is cached all the same
  fields.insert(fields.begin(), id);
  out_ += encode_frame(fields);
  send();
}

void HelperServer::send() {
  if (!send_now(socket_.get(), out_)) return end();
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
