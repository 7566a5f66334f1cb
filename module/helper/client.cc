#include "module/helper/client.h"

#include <sys/wait.h>

#include <array>
#include <utility>

#include "module/helper/inspection_frames.h"
#include "module/helper/process.h"
#include "module/io/stream.h"
#include "module/io/wall_clock.h"

namespace mtasts {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kReadyTimeout{10'000};
// The helper answers at the deadline itself; one that is kept from it by a stranger is not waited for.
constexpr milliseconds kGrace{2'000};
constexpr milliseconds kStartInterval{1'000};
// The event loop waits for it.
constexpr milliseconds kStartTimeout{1'000};
constexpr milliseconds kSilence{20'000};

Error helper_ended() { return {ErrorCode::kLocalFault, "the lookup helper ended unexpectedly; its log lines say why"}; }

}  // namespace

// What is asked here counts for the zone of the name itself.
class HelperClient::RemoteResolver final : public Resolver {
 public:
  explicit RemoteResolver(HelperClient& client) : client_(client) {}
  void txt(const std::string& name, Callback<std::string> done, const Requester& /*requester*/) override {
    ask("txt", name, std::move(done));
  }
  void mx(const std::string& name, Callback<MxRecord> done, const Requester& /*requester*/) override {
    ask("mx", name, std::move(done));
  }
  void addresses(const std::string& name, Callback<std::string> done, const Requester& /*requester*/) override {
    ask("addresses", name, std::move(done));
  }
  void tlsa(const std::string& name, Callback<TlsaRecord> done, const Requester& /*requester*/) override {
    ask("tlsa", name, std::move(done));
  }
  void cname(const std::string& name, Callback<std::string> done, const Requester& /*requester*/) override {
    ask("cname", name, std::move(done));
  }
  void ns(const std::string& name, Callback<std::string> done, const Requester& /*requester*/) override {
    ask("ns", name, std::move(done));
  }

 private:
  template <typename Record>
  void ask(const char* type, const std::string& name, Callback<Record> done) {
    client_.ask({type, name}, client_.question_time(),
                [done = std::move(done)](const Result<Fields>& fields) { done(decode_dns<Record>(fields)); });
  }
  HelperClient& client_;
};

class HelperClient::RemoteProber final : public MxProber {
 public:
  explicit RemoteProber(HelperClient& client) : client_(client) {}
  void probe(const std::string& host, const std::vector<std::string>& addresses, Sni sni, Callback done) override {
    Fields request{"probe", host, sni == Sni::kSent ? "sni" : "no-sni"};
    request.insert(request.end(), addresses.begin(), addresses.end());
    client_.ask(std::move(request), client_.question_time(),
                [done = std::move(done)](const Result<Fields>& fields) { done(decode_trial(fields)); });
  }

 private:
  HelperClient& client_;
};

class HelperClient::RemoteServers final : public ServerQuestions {
 public:
  explicit RemoteServers(HelperClient& client) : client_(client) {}
  void ask(const std::string& address, const std::string& name, Type type, Callback done) override {
    client_.ask({type == Type::kTxt ? "txt-at" : "cname-at", name, address}, client_.inspection_time(),
                [done = std::move(done)](const Result<Fields>& fields) { done(decode_dns<std::string>(fields)); });
  }

 private:
  HelperClient& client_;
};

class HelperClient::RemoteInspector final : public HostInspector {
 public:
  explicit RemoteInspector(HelperClient& client) : client_(client) {}
  void policy_host(const Domain& domain, const std::string& address, PolicyHostDone done) override {
    client_.ask(
        {"policy-host", domain.text(), address}, client_.inspection_time(),
        [address, done = std::move(done)](const Result<Fields>& fields) { done(decode_policy_host(fields, address)); });
  }
  void mx_host(const Domain& host, const std::string& address, const std::vector<TlsaRecord>& tlsa,
               MxHostDone done) override {
    Fields request{"mx-host", host.text(), address};
    const Fields records = encode_dns<TlsaRecord>(DnsAnswer<TlsaRecord>{DnsAnswer<TlsaRecord>::Kind::kFound, tlsa});
    request.insert(request.end(), records.begin(), records.end());
    client_.ask(
        std::move(request), client_.inspection_time(),
        [address, done = std::move(done)](const Result<Fields>& fields) { done(decode_mx_host(fields, address)); });
  }

 private:
  HelperClient& client_;
};

HelperClient::HelperClient(Config config, Deps deps)
    : config_(std::move(config)),
      deps_(deps),
      resolver_(std::make_unique<RemoteResolver>(*this)),
      prober_(std::make_unique<RemoteProber>(*this)),
      servers_(std::make_unique<RemoteServers>(*this)),
      inspector_(std::make_unique<RemoteInspector>(*this)),
      fault_(helper_ended()) {
  config_.is_long_lived = true;
}

HelperClient::~HelperClient() = default;

Result<std::unique_ptr<HelperClient>> HelperClient::open(const Config& config, Deps deps) {
  std::unique_ptr<HelperClient> client(new HelperClient(config, deps));
  const auto ready = client->start(kReadyTimeout).and_then([&] { return client->wait_until_ready(); });
  if (!ready) return tl::unexpected(ready.error());
  return client;
}

Result<void> HelperClient::start(milliseconds most) {
  // A process that is first in its container inherits the helpers that have ended.
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
  started_ = last_heard_ = steady_clock::now();
  auto socket = start_helper(config_, deps_.log_target, started_ + most);
  if (!socket) {
    started_ = steady_clock::now();
    fault_ = socket.error();
    return tl::unexpected(fault_);
  }
  socket_ = std::move(*socket);
  reader_ = FrameReader();
  readable_ = deps_.loop.watch(socket_.get(), EventLoop::kRead, [this](unsigned /*what*/) { receive(); });
  return {};
}

Result<void> HelperClient::wait_until_ready() {
  return receive_reply(socket_.get(), reader_, kReadyId, started_ + kReadyTimeout).and_then(decode_void);
}

milliseconds HelperClient::question_time() const {
  return 2 * config_.network.probe.timeout + 8 * config_.network.dns.timeout;
}

milliseconds HelperClient::inspection_time() const {
  return 3 * config_.network.fetch.timeout + 8 * config_.network.dns.timeout;
}

void HelperClient::ask(Fields request, milliseconds time, Reply reply) {
  if (pending_.empty()) last_heard_ = steady_clock::now();  // it had nothing to say
  const std::uint64_t id = ++last_id_;
  Pending& pending = pending_[id];
  pending.reply = std::move(reply);
  if (!socket_) {
    const bool is_early = steady_clock::now() - started_ < kStartInterval;
    const auto started = is_early ? Result<void>(tl::unexpected(fault_)) : start(kStartTimeout);
    if (!started) return fail_later(id, started.error());
  }
  pending.timer = deps_.loop.after(time, [this, id] { on_late(id); });
  request.insert(request.begin(), std::to_string(id));
  out_ += encode_frame(request);
  send();
}

void HelperClient::fail_later(std::uint64_t id, const Error& error) {
  pending_.at(id).timer = deps_.loop.after(milliseconds(0), [this, id, error] { on_reply(id, tl::unexpected(error)); });
}

void HelperClient::lookup(const Domain& domain, Lookup::Effort effort, milliseconds deadline, Answer answer) {
  const auto request = lookup_request("", domain, effort, deadline);
  ask({request.begin() + 1, request.end()}, deadline + kGrace,
      [this, domain, answer = std::move(answer)](const Result<Fields>& fields) {
        const auto outcome = decode_lookup(fields, domain);
        answer(outcome ? *outcome : cached_outcome(domain, outcome.error()));
      });
}

// A helper that says nothing at all is given up.
void HelperClient::on_late(std::uint64_t id) {
  on_reply(id, fail(ErrorCode::kNotTried, "the lookup helper is busy and did not answer in time"));
  if (socket_ && steady_clock::now() - last_heard_ > kSilence)
    lost({ErrorCode::kLocalFault, "the lookup helper does not answer any more"});
}

Outcome HelperClient::cached_outcome(const Domain& domain, const Error& error) {
  deps_.log.write(told_.is_due() ? LogLevel::kError : LogLevel::kDebug,
                  LogLine("lookup-impossible").field("domain", domain.text()).text("detail", error.detail));
  return outcome_without_network(deps_.store, domain, error, now());
}

void HelperClient::receive() {
  std::array<char, 64 * 1024> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by recv(2)
  const auto received = receive_now(socket_.get(), buffer);
  if (!received) return;
  if (received->empty()) return lost(helper_ended());
  last_heard_ = steady_clock::now();
  reader_.add(*received);
  take_frames();
}

void HelperClient::take_frames() {
  while (socket_) {
    auto frame = reader_.next();
    if (!frame) return lost(frame.error());
    if (!*frame) return;
    Fields& fields = **frame;
    const auto id = fields.empty() ? std::nullopt : parse_number(fields.front());
    if (!id) return lost({ErrorCode::kInternal, "the lookup helper sent a reply to nothing"});
    const bool is_ready = fields.front() == kReadyId;
    fields.erase(fields.begin());
    if (!is_ready) {
      on_reply(*id, std::move(fields));
    } else if (const auto ready = decode_void(fields); !ready) {
      return lost(ready.error());
    }
  }
}

// Nobody waits any more for a reply that comes too late.
void HelperClient::on_reply(std::uint64_t id, const Result<Fields>& fields) {
  const auto found = pending_.extract(id);
  if (found.empty()) return;
  found.mapped().reply(fields);
  if (pending_.empty() && idle_) idle_();
}

void HelperClient::send() {
  static_cast<void>(send_now(socket_.get(), out_));  // receive() sees the end
  if (out_.empty()) return writable_.reset();
  if (!writable_) writable_ = deps_.loop.watch(socket_.get(), EventLoop::kWrite, [this](unsigned /*what*/) { send(); });
}

void HelperClient::lost(const Error& error) {
  deps_.log.write(LogLevel::kError, LogLine("helper-ended")
                                        .text("detail", error.detail)
                                        .field("waiting", pending_.size())
                                        .text("effect", "a new one is started when it is needed"));
  fault_ = error;
  readable_.reset();
  writable_.reset();
  socket_ = Descriptor();
  out_.clear();
  std::vector<std::uint64_t> ids;
  for (const auto& [id, pending] : pending_) ids.push_back(id);
  for (const auto id : ids) fail_later(id, error);
}

}  // namespace mtasts
