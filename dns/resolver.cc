#include "dns/resolver.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <list>
#include <optional>
#include <utility>

#include "dns/ad_check.h"
#include "dns/getdns_loop.h"
#include "dns/question.h"
#include "dns/reply.h"
#include "dns/resolver_address.h"
#include "dns/upstream.h"
#include "dns/window.h"

namespace mtasts {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxTries = 3;
constexpr std::chrono::seconds kAvoidUnreachable{30};
// A resolver that has answered nobody for so long, while a question has waited for half of its time, is asked whether
// it is there.
constexpr std::chrono::seconds kSilence{1};
constexpr const char* kNameOfEveryResolver = "localhost";  // answered at once by any that lives (RFC 6761 §6.3)

// A question and until when it may wait for its turn.
struct Waiting {
  std::unique_ptr<Question> question;
  Clock::time_point expires;
};

struct Server {
  std::unique_ptr<Upstream> upstream;
  std::unique_ptr<AdCheck> ad;
  Window window;
  std::deque<Waiting> queue{};
  std::vector<Waiting> answered{};    // with AD; whether that counts is being found out
  Clock::time_point avoided_until{};  // it could not be reached a moment ago
  enum class Doubt { kNone, kArisen, kBeingSettled } doubt = Doubt::kNone;
  Clock::time_point doubt_settled_at{};
};

// AAAA and A of one name: two questions, one answer.
struct AddressPair {
  Resolver::Callback<std::string> done;
  std::optional<Result<DnsAnswer<std::string>>> v6;
  std::optional<Result<DnsAnswer<std::string>>> v4;

  void finish_if_complete();
};

Result<DnsAnswer<std::string>> joined(Result<DnsAnswer<std::string>> v6, Result<DnsAnswer<std::string>> v4) {
  using Kind = DnsAnswer<std::string>::Kind;
  const auto found = [](const auto& answer) { return answer && answer->kind == Kind::kFound; };
  if (!v6 || !v4) {
    if (found(v6)) return v6;
    if (found(v4)) return v4;
    return tl::unexpected(!v4 ? v4.error() : v6.error());
  }
  DnsAnswer<std::string> both = std::move(*v6);
  if (both.records.empty()) both.owner = v4->owner;
  both.records.insert(both.records.end(), v4->records.begin(), v4->records.end());
  both.ttl = std::min(both.ttl, v4->ttl);
  both.authenticated = both.authenticated && v4->authenticated;
  if (!both.records.empty())
    both.kind = Kind::kFound;
  else if (v4->kind == Kind::kNxDomain)
    both.kind = Kind::kNxDomain;
  return both;
}

void AddressPair::finish_if_complete() {
  if (v6 && v4) done(joined(std::move(*v6), std::move(*v4)));
}

class GetdnsResolver final : public Resolver {
 public:
  GetdnsResolver(EventLoop& loop, const ResolverConfig& config, const ResolvConf& resolvers);

  void txt(const std::string& name, Callback<std::string> done) override {
    enqueue<std::string>(name, RrType::kTxt, &read_txt, std::move(done));
  }
  void mx(const std::string& name, Callback<MxRecord> done) override {
    enqueue<MxRecord>(name, RrType::kMx, &read_mx, std::move(done));
  }
  void addresses(const std::string& name, Callback<std::string> done) override;
  void tlsa(const std::string& name, Callback<TlsaRecord> done) override {
    enqueue<TlsaRecord>(name, RrType::kTlsa, &read_tlsa, std::move(done));
  }
  void cname(const std::string& name, Callback<std::string> done) override {
    enqueue<std::string>(name, RrType::kCname, &read_cname, std::move(done));
  }

 private:
  struct Active {
    Waiting waiting;
    Clock::time_point asked_at;
  };
  using ActiveRef = std::list<Active>::iterator;

  template <typename Record>
  void enqueue(const std::string& name, RrType type, typename QuestionFor<Record>::Read read, Callback<Record> done) {
    auto question = std::make_unique<QuestionFor<Record>>(name, type, std::move(read), std::move(done));
    Server& server = choose(*question);
    server.queue.push_back({std::move(question), Clock::now() + patience_});
    schedule_pump();
  }
  void schedule_pump();
  void pump();
  void pump(Server& server);
  void wake_for_waiting();
  void ask(Server& server, Waiting waiting);
  [[nodiscard]] bool is_doubtful(const Server& server, Clock::time_point now) const;
  void settle_doubt(Server& server);
  void expire(Waiting waiting, const Server& server) const;
  void check_ad(Server& server);
  void on_reply(ActiveRef active, Server& server, const Result<const getdns_dict*>& reply);
  void note_failure(Server& server, ErrorCode code, Clock::time_point asked_at);
  void try_again_or_give_up(Waiting waiting, const Server& server, Error error);
  static void give_up(Waiting waiting, const Server& server, Error error);
  Server& choose(const Question& question);

  EventLoop& loop_;
  GetdnsLoop getdns_loop_;
  const Clock::duration patience_;
  const pid_t pid_ = getpid();
  std::list<Active> active_;
  std::unique_ptr<EventLoop::Watch> pump_;
  std::unique_ptr<EventLoop::Watch> wake_;
  std::vector<Server> servers_;  // last, hence destroyed first: getdns may hold pointers to everything above
};

GetdnsResolver::GetdnsResolver(EventLoop& loop, const ResolverConfig& config, const ResolvConf& resolvers)
    : loop_(loop),
      getdns_loop_(loop),
      patience_(std::min<Clock::duration>(config.timeout * kMaxTries, Clock::duration(config.deadline) / 2)) {
  const auto rules = ad_rules(config.trust_ad, resolvers);
  for (std::size_t i = 0; i < rules.size(); ++i) {
    auto upstream = std::make_unique<Upstream>(getdns_loop_, resolvers.servers[i], config);
    auto ad = std::make_unique<AdCheck>(*upstream, rules[i], config.on_ad);
    servers_.push_back({std::move(upstream), std::move(ad), Window(std::max(1U, config.max_in_flight))});
  }
}

void GetdnsResolver::addresses(const std::string& name, Callback<std::string> done) {
  auto pair = std::make_shared<AddressPair>(AddressPair{std::move(done), {}, {}});
  enqueue<std::string>(
      name, RrType::kAaaa, [](const auto* reply, const auto& of) { return read_addresses(reply, of, RrType::kAaaa); },
      [pair](auto answer) {
        pair->v6 = std::move(answer);
        pair->finish_if_complete();
      });
  enqueue<std::string>(
      name, RrType::kA, [](const auto* reply, const auto& of) { return read_addresses(reply, of, RrType::kA); },
      [pair](auto answer) {
        pair->v4 = std::move(answer);
        pair->finish_if_complete();
      });
}

// Questions are only ever put from here, in a round of the loop of their own: getdns must not be asked from inside its
// callbacks (it may be tearing down the very connection), and callers are never called back from inside their call.
void GetdnsResolver::schedule_pump() {
  if (pump_) return;
  const bool idle = std::all_of(servers_.begin(), servers_.end(), [](const auto& server) {
    return server.queue.empty() && server.answered.empty() && server.doubt != Server::Doubt::kArisen;
  });
  if (idle) return;
  pump_ = loop_.after(std::chrono::milliseconds{0}, [this] {
    pump_.reset();
    pump();
  });
}

void GetdnsResolver::pump() {
  for (auto& server : servers_) pump(server);
  wake_for_waiting();
}

void GetdnsResolver::pump(Server& server) {
  if (server.doubt == Server::Doubt::kArisen) settle_doubt(server);
  if (!server.answered.empty() && !server.ad->is_asking()) check_ad(server);
  while (!server.queue.empty()) {
    const auto now = Clock::now();
    const bool expired = server.queue.front().expires <= now;
    if (!expired && !server.window.is_open(now)) {
      if (is_doubtful(server, now)) settle_doubt(server);
      return;
    }
    Waiting waiting = std::move(server.queue.front());
    server.queue.pop_front();
    if (expired)
      expire(std::move(waiting), server);
    else
      ask(server, std::move(waiting));
  }
}

// An answer of the server pumps its queue. The end of a pause, and half and all of the time that a question may wait,
// need a timer.
void GetdnsResolver::wake_for_waiting() {
  auto next = Clock::time_point::max();
  const auto now = Clock::now();
  for (const auto& server : servers_) {
    if (server.queue.empty()) continue;
    const auto expires = server.queue.front().expires;
    const auto doubtful = expires - patience_ / 2;
    next = std::min(next, doubtful > now ? doubtful : expires);
    if (server.window.closed_until() > now) next = std::min(next, server.window.closed_until());
  }
  if (next == Clock::time_point::max()) return wake_.reset();
  const auto pause = std::max(next - now, Clock::duration{0});
  wake_ = loop_.after(std::chrono::ceil<std::chrono::milliseconds>(pause), [this] {
    wake_.reset();
    pump();
  });
}

void GetdnsResolver::ask(Server& server, Waiting waiting) {
  Question& question = *waiting.question;
  if (getpid() != pid_)
    return question.give_up(
        {ErrorCode::kInternal, "the resolver was made by another process: it cannot be used after fork"});
  if (!is_askable(question.name()))
    return question.give_up({ErrorCode::kInvalidName, "\"" + escaped(question.name()) + "\" is not a host name"});
  question.asked.push_back(&server);
  server.window.asked();
  active_.push_back({std::move(waiting), Clock::now()});
  server.upstream->ask(
      question.name(), question.type(),
      [this, active = std::prev(active_.end()), &server](const auto& reply) { on_reply(active, server, reply); });
}

// The first in the queue has waited for long: for answers to others, or for a resolver that has died?
bool GetdnsResolver::is_doubtful(const Server& server, Clock::time_point now) const {
  return server.doubt == Server::Doubt::kNone && now >= server.window.closed_until() &&
         now >= server.queue.front().expires - patience_ / 2 && now - server.doubt_settled_at >= kSilence &&
         !server.window.has_answered_since(now - kSilence);
}

// Was it our limit that kept the question from being asked, or a resolver that has answered nobody?
void GetdnsResolver::expire(Waiting waiting, const Server& server) const {
  const auto since = waiting.expires - patience_;
  const Error error = server.window.has_answered_since(since - kSilence)
                          ? Error{ErrorCode::kNotTried, "too many questions are under way"}
                          : Error{ErrorCode::kDnsTimeout, "answers nothing, or not fast enough"};
  give_up(std::move(waiting), server, error);
}

// Is it the resolver that is silent, or names whose own servers are? Else whoever owns some of those could keep us from
// asking for anything else.
void GetdnsResolver::settle_doubt(Server& server) {
  server.doubt = Server::Doubt::kBeingSettled;
  server.doubt_settled_at = Clock::now();
  server.upstream->ask(kNameOfEveryResolver, RrType::kA, [this, &server](const auto& reply) {
    server.doubt = Server::Doubt::kNone;
    if (!reply) return;
    server.window.found_alive(Clock::now());
    server.avoided_until = {};
    schedule_pump();
  });
}

// Questions whose answers have no AD never wait for this.
void GetdnsResolver::check_ad(Server& server) {
  const Question& question = *server.answered.front().question;
  server.ad->ask(question.name(), question.type(), [&server] {
    for (const auto& waiting : std::exchange(server.answered, {})) waiting.question->answer(server.ad->trusts());
  });
}

// The first in the order that this question was not put to yet; those that can be reached go before the others.
Server& GetdnsResolver::choose(const Question& question) {
  const auto now = Clock::now();
  std::vector<Server*> order;
  for (auto& server : servers_) order.push_back(&server);
  std::stable_partition(order.begin(), order.end(), [now](const auto* server) { return server->avoided_until <= now; });
  const auto fresh = std::find_if(order.begin(), order.end(), [&](const auto* server) {
    return std::find(question.asked.begin(), question.asked.end(), server) == question.asked.end();
  });
  return fresh != order.end() ? **fresh : *order.front();
}

void GetdnsResolver::on_reply(ActiveRef active, Server& server, const Result<const getdns_dict*>& reply) {
  auto answer = reply.and_then([&](const getdns_dict* dict) { return active->waiting.question->read(dict); });
  Waiting waiting = std::move(active->waiting);
  if (reply)
    server.window.answered(Clock::now());
  else
    note_failure(server, reply.error().code, active->asked_at);
  active_.erase(active);
  if (!answer)
    try_again_or_give_up(std::move(waiting), server, std::move(answer.error()));
  else if (!waiting.question->is_authenticated())
    waiting.question->answer(false);
  else if (server.ad->is_settled())
    waiting.question->answer(server.ad->trusts());
  else
    server.answered.push_back(std::move(waiting));
  schedule_pump();
}

void GetdnsResolver::note_failure(Server& server, ErrorCode code, Clock::time_point asked_at) {
  const auto now = Clock::now();
  if (code != ErrorCode::kDnsTimeout)
    server.window.unreachable(asked_at, now);
  else if (!server.window.timed_out(asked_at, now))
    return;
  else if (server.doubt == Server::Doubt::kNone)
    server.doubt = Server::Doubt::kArisen;
  if (is_ours(code)) return;  // says nothing of this resolver
  const bool is_news = server.avoided_until <= now;
  server.avoided_until = now + kAvoidUnreachable;
  if (!is_news) return;
  // Who waits for it may be better off elsewhere.
  for (auto& waiting : std::exchange(server.queue, {})) {
    Server& better = choose(*waiting.question);
    better.queue.push_back(std::move(waiting));
  }
}

void GetdnsResolver::try_again_or_give_up(Waiting waiting, const Server& server, Error error) {
  const auto& asked = waiting.question->asked;
  const bool other_resolver = asked.size() < std::min(servers_.size(), kMaxTries);
  const bool same_again = error.code == ErrorCode::kDnsUnreachable && asked.size() < 2;
  if (!other_resolver && !same_again) return give_up(std::move(waiting), server, std::move(error));
  choose(*waiting.question).queue.push_front(std::move(waiting));
  schedule_pump();
}

void GetdnsResolver::give_up(Waiting waiting, const Server& server, Error error) {
  Question& question = *waiting.question;
  error.detail = "resolver " + server.upstream->text() + ": " + error.detail + " (" + question.name() + " " +
                 std::string(rr_type_name(question.type())) + ")";
  question.give_up(std::move(error));
}

}  // namespace

Result<std::unique_ptr<Resolver>> make_resolver(EventLoop& loop, const ResolverConfig& config) {
  const auto resolvers = resolvers_of(config.resolvers);
  if (!resolvers) return tl::unexpected(resolvers.error());
  return std::make_unique<GetdnsResolver>(loop, config, *resolvers);
}

}  // namespace mtasts
