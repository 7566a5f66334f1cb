#include "dns/resolver.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <utility>

#include "core/admission_queue.h"
#include "core/ascii.h"
#include "core/stall_meter.h"
#include "dns/ad_check.h"
#include "dns/concurrency_limit.h"
#include "dns/getdns_loop.h"
#include "dns/question.h"
#include "dns/reply.h"
#include "dns/resolver_address.h"
#include "dns/upstream.h"

namespace mtasts {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxTries = 3;
// unbound hangs up on who waits for an answer when more than half of its places for TCP are taken (incoming-num-tcp, 10
// by default), and on all questions of a connection when it has no room for one of them (num-queries-per-thread):
// questions for silent zones would have it drop all others. It goes on looking, so that a later try finds the answer.
// One that hangs up at once, or does not take the connection, gets two tries, unless it answers others.
constexpr std::size_t kMaxHangUps = 8;
constexpr std::chrono::milliseconds kSlowHangUp{100};
constexpr std::chrono::seconds kAvoidUnreachable{30};
// A resolver that has answered nobody for so long, while a question has waited for half of its time, is asked whether
// it is there.
constexpr std::chrono::seconds kSilence{1};
// A process that noticed a time limit so much later, or stood still for half of it, has missed the limit itself: what
// it did not read, or did not even send, says nothing of the resolver.
constexpr std::chrono::milliseconds kStoodStill{1000};
constexpr const char* kNameOfEveryResolver = "localhost";  // answered at once by any that lives (RFC 6761 §6.3)

using Ticket = AdmissionQueue::Ticket;

struct Server;

// A question and until when it may wait for its turn.
struct Waiting {
  std::unique_ptr<Question> question;
  SteadyTime begun;
  SteadyTime expires;
  StallMeter::Span span;           // since it was put
  const Server* server = nullptr;  // in whose queue it is, or was last
  SteadyTime since{};              // it is that server's
};

// `limit`: of the time in which this process stood still for `stalled`, and `late`: how long after it it was noticed.
bool stood_still(SteadyTime::duration limit, SteadyTime::duration stalled, SteadyTime::duration late) {
  return late > kStoodStill || stalled > limit / 2;
}

struct Server {
  std::unique_ptr<Upstream> upstream;
  std::unique_ptr<AdCheck> ad;
  ConcurrencyLimit concurrency;
  AdmissionQueue queue{};
  std::map<Ticket, Waiting> waiting{};  // in the queue
  std::vector<Waiting> answered{};      // with AD; whether that counts is being found out
  SteadyTime avoided_until{};           // it could not be reached a moment ago
  enum class HealthCheck { kNone, kDue, kUnderWay } health_check = HealthCheck::kNone;
  SteadyTime health_checked_at{};
  bool hung_up = false;  // not a silence: if it lives it has too much to do
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
    // The kind that was not asked for may be the one that this machine can reach.
    if (!v4 && is_ours(v4.error().code)) return v4;
    if (!v6 && is_ours(v6.error().code)) return v6;
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
  GetdnsResolver(EventLoop& loop, const ResolverConfig& config, const ResolvConf& resolvers, ZoneOf zone_of);

  void txt(const std::string& name, Callback<std::string> done, const Requester& requester) override {
    enqueue<std::string>(name, RrType::kTxt, requester, &read_txt, std::move(done));
  }
  void mx(const std::string& name, Callback<MxRecord> done, const Requester& requester) override {
    enqueue<MxRecord>(name, RrType::kMx, requester, &read_mx, std::move(done));
  }
  void addresses(const std::string& name, Callback<std::string> done, const Requester& requester) override;
  void tlsa(const std::string& name, Callback<TlsaRecord> done, const Requester& requester) override {
    enqueue<TlsaRecord>(name, RrType::kTlsa, requester, &read_tlsa, std::move(done));
  }
  void cname(const std::string& name, Callback<std::string> done, const Requester& requester) override {
    enqueue<std::string>(name, RrType::kCname, requester, &read_cname, std::move(done));
  }
  void ns(const std::string& name, Callback<std::string> done, const Requester& requester) override {
    enqueue<std::string>(name, RrType::kNs, requester, &read_ns, std::move(done));
  }

 private:
  struct Active {
    Ticket ticket;
    Waiting waiting;
    SteadyTime asked_at;
    SteadyTime::duration stalled_before;  // of its span
  };
  using ActiveRef = std::list<Active>::iterator;

  template <typename Record>
  void enqueue(const std::string& name, RrType type, const Requester& requester,
               typename QuestionFor<Record>::Read read, Callback<Record> done) {
    auto question = std::make_unique<QuestionFor<Record>>(name, type, requester, std::move(read), std::move(done));
    const auto now = Clock::now();
    const auto own = requester.turn_timeout ? Clock::duration(*requester.turn_timeout) : queue_timeout_;
    join_queue({std::move(question), now, now + std::min(queue_timeout_, own), StallMeter::Span(stalls_)});
    schedule_pump();
  }
  void join_queue(Waiting waiting);
  static Waiting take(Server& server, Ticket ticket);
  void schedule_pump();
  void pump();
  void pump(Server& server);
  void wake_for_waiting();
  void ask(Server& server, Ticket ticket, Waiting waiting);
  // Why it cannot be put to anybody.
  [[nodiscard]] std::optional<Error> obstacle(const Question& question) const;
  [[nodiscard]] bool needs_health_check(const Server& server, SteadyTime now) const;
  void check_health(Server& server);
  void expire(Waiting waiting, const Server& server) const;
  void check_ad(Server& server);
  void on_reply(ActiveRef active, Server& server, const Result<const getdns_dict*>& reply);
  void note_failure(Server& server, ErrorCode code, SteadyTime asked_at);
  void try_again_or_give_up(Waiting waiting, const Server& server, Error error, SteadyTime::duration took);
  static void give_up(Waiting waiting, const Server& server, Error error);
  Server& choose(const Question& question);

  EventLoop& loop_;
  const ZoneOf zone_of_;
  GetdnsLoop getdns_loop_;
  const Clock::duration queue_timeout_;
  const Clock::duration timeout_;
  const Clock::duration last_turn_;  // after a question was put: the resolver still has its whole time then
  const pid_t pid_ = getpid();
  StallMeter stalls_;
  std::list<Active> active_;
  std::unique_ptr<EventLoop::Watch> pump_;
  std::unique_ptr<EventLoop::Watch> wake_;
  std::vector<Server> servers_;  // last, hence destroyed first: getdns may hold pointers to everything above
};

GetdnsResolver::GetdnsResolver(EventLoop& loop, const ResolverConfig& config, const ResolvConf& resolvers,
                               ZoneOf zone_of)
    : loop_(loop),
      zone_of_(std::move(zone_of)),
      getdns_loop_(loop),
      queue_timeout_(std::min<Clock::duration>(config.timeout * kMaxTries,
                                               Clock::duration(std::min(config.deadline, config.client_deadline)) / 2)),
      timeout_(config.timeout),
      last_turn_(Clock::duration(config.deadline) - timeout_),
      stalls_(loop, &Clock::now) {
  const auto rules = ad_rules(config.trust_ad, resolvers);
  for (std::size_t i = 0; i < rules.size(); ++i) {
    auto upstream = std::make_unique<Upstream>(getdns_loop_, resolvers.servers[i], config);
    auto ad = std::make_unique<AdCheck>(*upstream, rules[i], config.on_ad);
    servers_.push_back({std::move(upstream), std::move(ad), ConcurrencyLimit(std::max(1U, config.max_in_flight))});
  }
}

void GetdnsResolver::addresses(const std::string& name, Callback<std::string> done, const Requester& requester) {
  auto pair = std::make_shared<AddressPair>(AddressPair{std::move(done), {}, {}});
  enqueue<std::string>(
      name, RrType::kAaaa, requester,
      [](const auto* reply, const auto& of) { return read_addresses(reply, of, RrType::kAaaa); },
      [pair](auto answer) {
        pair->v6 = std::move(answer);
        pair->finish_if_complete();
      });
  enqueue<std::string>(
      name, RrType::kA, requester,
      [](const auto* reply, const auto& of) { return read_addresses(reply, of, RrType::kA); },
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
    return !server.queue.has_waiting() && server.answered.empty() && server.health_check != Server::HealthCheck::kDue;
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
  if (server.health_check == Server::HealthCheck::kDue) check_health(server);
  if (!server.answered.empty() && !server.ad->is_asking()) check_ad(server);
  for (const auto ticket : server.queue.expire(Clock::now())) expire(take(server, ticket), server);
  while (const auto ticket = server.queue.next(server.concurrency.limit(Clock::now())))
    ask(server, *ticket, take(server, *ticket));
  if (server.queue.has_waiting() && needs_health_check(server, Clock::now())) check_health(server);
}

void GetdnsResolver::join_queue(Waiting waiting) {
  const Question& question = *waiting.question;
  const Requester& requester = question.requester();
  const std::string& domain = requester.domain.empty() ? question.name() : requester.domain;
  Server& server = choose(question);
  const auto expires = waiting.expires;
  if (std::exchange(waiting.server, &server) != &server) waiting.since = Clock::now();
  const Ticket ticket = server.queue.join({zone_of_(ascii::lower(domain)), requester.priority}, expires);
  server.waiting.emplace(ticket, std::move(waiting));
}

Waiting GetdnsResolver::take(Server& server, Ticket ticket) {
  auto node = server.waiting.extract(ticket);
  return std::move(node.mapped());
}

// An answer pumps its server's queue. A paused queue needs a timer, and so do the health check and the expiry of what
// waits.
void GetdnsResolver::wake_for_waiting() {
  auto next = SteadyTime::max();
  const auto now = Clock::now();
  for (const auto& server : servers_) {
    if (!server.queue.has_waiting()) continue;
    const auto expires = *server.queue.next_expiry();
    const auto health_check_due = expires - queue_timeout_ / 2;
    next = std::min(next, health_check_due > now ? health_check_due : expires);
    if (server.concurrency.closed_until() > now) next = std::min(next, server.concurrency.closed_until());
  }
  if (next == SteadyTime::max()) return wake_.reset();
  const auto pause = std::max(next - now, Clock::duration{0});
  wake_ = loop_.after(std::chrono::ceil<std::chrono::milliseconds>(pause), [this] {
    wake_.reset();
    pump();
  });
}

void GetdnsResolver::ask(Server& server, Ticket ticket, Waiting waiting) {
  Question& question = *waiting.question;
  if (auto error = obstacle(question)) {
    server.queue.leave(ticket);
    return question.give_up(std::move(*error));
  }
  question.asked.push_back(&server);
  const auto stalled_before = waiting.span.stalled();
  active_.push_back({ticket, std::move(waiting), Clock::now(), stalled_before});
  server.upstream->ask(
      question.name(), question.type(),
      [this, active = std::prev(active_.end()), &server](const auto& reply) { on_reply(active, server, reply); });
}

std::optional<Error> GetdnsResolver::obstacle(const Question& question) const {
  if (getpid() != pid_)
    return Error{ErrorCode::kInternal, "the resolver was made by another process: it cannot be used after fork"};
  if (!is_askable(question.name()))
    return Error{ErrorCode::kInvalidName, "\"" + escaped(question.name()) + "\" is not a host name"};
  return std::nullopt;
}

// One has waited for long: for answers to others, or for a resolver that has died?
bool GetdnsResolver::needs_health_check(const Server& server, SteadyTime now) const {
  return server.health_check == Server::HealthCheck::kNone && now >= server.concurrency.closed_until() &&
         now >= *server.queue.next_expiry() - queue_timeout_ / 2 && now - server.health_checked_at >= kSilence &&
         !server.concurrency.has_answered_since(now - kSilence);
}

// Was it our limit that kept the question from being asked, or a resolver that has answered nobody?
void GetdnsResolver::expire(Waiting waiting, const Server& server) const {
  const auto now = Clock::now();
  Error error{ErrorCode::kDnsTimeout, "answers nothing, or not fast enough"};
  if (stood_still(waiting.expires - waiting.begun, waiting.span.stalled(), now - waiting.expires))
    error = {ErrorCode::kNotTried, "this process was busy and could not ask in time"};
  else if (server.concurrency.has_answered_since(waiting.since - kSilence))
    error = {ErrorCode::kNotTried, "too many questions are under way"};
  else if (server.avoided_until <= now && now - waiting.since < std::min(timeout_, queue_timeout_))
    error = {ErrorCode::kNotTried, "no time was left to ask it"};
  give_up(std::move(waiting), server, error);
}

// Asks for "localhost" to tell a dead resolver from slow authoritative servers; else a few slow zones could block all
// lookups.
void GetdnsResolver::check_health(Server& server) {
  server.health_check = Server::HealthCheck::kUnderWay;
  server.health_checked_at = Clock::now();
  server.upstream->ask(kNameOfEveryResolver, RrType::kA, [this, &server](const auto& reply) {
    server.health_check = Server::HealthCheck::kNone;
    if (!reply) return;
    if (server.hung_up)
      server.concurrency.answered(Clock::now());
    else
      server.concurrency.found_alive(Clock::now());
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
  server.queue.leave(active->ticket);
  const auto now = Clock::now();
  const bool was_busy =
      !reply && reply.error().code == ErrorCode::kDnsTimeout &&
      stood_still(timeout_, waiting.span.stalled() - active->stalled_before, now - active->asked_at - timeout_);
  if (was_busy) answer = fail(ErrorCode::kNotTried, "this process was busy and could not read an answer in time");
  if (reply)
    server.concurrency.answered(now);
  else if (was_busy)
    server.concurrency.timed_out(active->asked_at, now);
  else
    note_failure(server, reply.error().code, active->asked_at);
  const auto took = now - active->asked_at;
  active_.erase(active);
  if (!answer)
    try_again_or_give_up(std::move(waiting), server, std::move(answer.error()), took);
  else if (!waiting.question->is_authenticated())
    waiting.question->answer(false);
  else if (server.ad->is_settled())
    waiting.question->answer(server.ad->trusts());
  else
    server.answered.push_back(std::move(waiting));
  schedule_pump();
}

void GetdnsResolver::note_failure(Server& server, ErrorCode code, SteadyTime asked_at) {
  const auto now = Clock::now();
  const bool hung_up = code != ErrorCode::kDnsTimeout;
  if (hung_up)
    server.concurrency.unreachable(asked_at, now);
  else if (!server.concurrency.timed_out(asked_at, now))
    return;
  if (is_ours(code)) return;  // says nothing of this resolver
  server.hung_up = hung_up;
  const bool was_just_checked = hung_up && now - server.health_checked_at < kSilence;
  if (server.health_check == Server::HealthCheck::kNone && !was_just_checked)
    server.health_check = Server::HealthCheck::kDue;
  const bool is_news = server.avoided_until <= now;
  server.avoided_until = now + kAvoidUnreachable;
  if (!is_news) return;
  // Who waits for it may be better off elsewhere.
  for (const auto ticket : server.queue.dismiss()) join_queue(take(server, ticket));
}

void GetdnsResolver::try_again_or_give_up(Waiting waiting, const Server& server, Error error,
                                          SteadyTime::duration took) {
  const auto& asked = waiting.question->asked;
  const bool other_resolver = asked.size() < std::min(servers_.size(), kMaxTries);
  const bool is_unreachable = error.code == ErrorCode::kDnsUnreachable;
  const bool is_busy = took >= kSlowHangUp || server.concurrency.has_answered_since(Clock::now() - 2 * kSilence);
  const bool same_again = ((is_unreachable || error.code == ErrorCode::kNotTried) && asked.size() < 2) ||
                          (is_unreachable && is_busy && asked.size() < kMaxHangUps);
  if (!other_resolver && !same_again) return give_up(std::move(waiting), server, std::move(error));
  waiting.expires = waiting.begun + queue_timeout_;  // it was its turn: it may wait as others do now
  if (other_resolver)                                // the tries before took its time
    waiting.expires = std::max(waiting.expires, waiting.begun + last_turn_);
  join_queue(std::move(waiting));
  schedule_pump();
}

void GetdnsResolver::give_up(Waiting waiting, const Server& server, Error error) {
  Question& question = *waiting.question;
  error.detail = "resolver " + server.upstream->text() + ": " + error.detail + " (" + question.name() + " " +
                 std::string(rr_type_name(question.type())) + ")";
  question.give_up(std::move(error));
}

// With a share of the deadline for each try, and one for what comes after: silent resolvers leave time for the next.
ResolverConfig with_time_for_each(ResolverConfig config, std::size_t resolvers) {
  if (resolvers < 2) return config;
  const auto shares = static_cast<std::int64_t>(std::min(resolvers, kMaxTries)) + 1;
  config.timeout = std::min(config.timeout, std::max(config.deadline / shares, std::chrono::seconds{1}));
  return config;
}

}  // namespace

Result<std::unique_ptr<Resolver>> make_resolver(EventLoop& loop, const ResolverConfig& config, ZoneOf zone_of) {
  const auto resolvers = resolvers_of(config.resolvers);
  if (!resolvers) return tl::unexpected(resolvers.error());
  return std::make_unique<GetdnsResolver>(loop, with_time_for_each(config, resolvers->servers.size()), *resolvers,
                                          std::move(zone_of));
}

}  // namespace mtasts
