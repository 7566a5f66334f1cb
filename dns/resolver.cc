#include "dns/resolver.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <fstream>
#include <list>
#include <optional>
#include <sstream>
#include <utility>

#include "dns/getdns_loop.h"
#include "dns/question.h"
#include "dns/reply.h"
#include "dns/resolver_address.h"
#include "dns/upstream.h"

namespace mtasts {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxTries = 3;
constexpr std::chrono::milliseconds kRetryDelay{200};  // before the same resolver is asked again
constexpr std::chrono::seconds kAvoidUnreachable{30};
constexpr const char* kResolvConf = "/etc/resolv.conf";

struct Server {
  std::unique_ptr<Upstream> upstream;
  Clock::time_point avoided_until{};  // it could not be reached a moment ago
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
  GetdnsResolver(EventLoop& loop, const ResolverConfig& config, const std::vector<ResolverAddress>& addresses);

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
  using Waiting = std::unique_ptr<Question>;
  // A question that left the queue: being asked, or waiting to be asked again.
  struct Active {
    Waiting question;
    std::unique_ptr<EventLoop::Watch> retry;
  };
  using ActiveRef = std::list<Active>::iterator;

  template <typename Record>
  void enqueue(const std::string& name, RrType type, typename QuestionFor<Record>::Read read, Callback<Record> done) {
    queue_.push_back(std::make_unique<QuestionFor<Record>>(name, type, std::move(read), std::move(done)));
    schedule_pump();
  }
  void schedule_pump();
  void pump();
  void ask(ActiveRef active);
  void on_reply(ActiveRef active, Server& server, const Result<const getdns_dict*>& reply);
  void try_again_or_give_up(ActiveRef active, const Server& server, Error error);
  Waiting take(ActiveRef active);
  Server& choose(const Question& question);

  EventLoop& loop_;
  GetdnsLoop getdns_loop_;
  const unsigned max_in_flight_;
  const pid_t pid_ = getpid();
  bool trust_ad_ = false;
  std::deque<Waiting> queue_;
  std::list<Active> active_;
  std::unique_ptr<EventLoop::Watch> pump_;
  std::vector<Server> servers_;  // last, hence destroyed first: getdns may hold pointers to everything above
};

GetdnsResolver::GetdnsResolver(EventLoop& loop, const ResolverConfig& config,
                               const std::vector<ResolverAddress>& addresses)
    : loop_(loop), getdns_loop_(loop), max_in_flight_(std::max(1U, config.max_in_flight)) {
  for (const auto& address : addresses) servers_.push_back({std::make_unique<Upstream>(getdns_loop_, address, config)});
  // With several resolvers an attacker may choose which one answers: each has to deserve the trust.
  trust_ad_ = config.trust_ad == ResolverConfig::TrustAd::kAlways ||
              (config.trust_ad == ResolverConfig::TrustAd::kLoopback &&
               std::all_of(addresses.begin(), addresses.end(), [](const auto& a) { return a.is_loopback(); }));
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
  if (pump_ || queue_.empty() || active_.size() >= max_in_flight_) return;
  pump_ = loop_.after(std::chrono::milliseconds{0}, [this] {
    pump_.reset();
    pump();
  });
}

void GetdnsResolver::pump() {
  while (!queue_.empty() && active_.size() < max_in_flight_) {
    active_.push_back({std::move(queue_.front()), nullptr});
    queue_.pop_front();
    ask(std::prev(active_.end()));
  }
}

void GetdnsResolver::ask(ActiveRef active) {
  Question& question = *active->question;
  if (getpid() != pid_)
    return take(active)->give_up(
        {ErrorCode::kEngine, "the resolver was made by another process: it cannot be used after fork"});
  if (!is_askable(question.name()))
    return take(active)->give_up({ErrorCode::kInvalidName, "\"" + escaped(question.name()) + "\" is not a host name"});
  Server& server = choose(question);
  question.asked.push_back(&server);
  server.upstream->ask(question.name(), question.type(),
                       [this, active, &server](const auto& reply) { on_reply(active, server, reply); });
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
  auto answer = reply.and_then([&](const getdns_dict* dict) { return active->question->read(dict); });
  if (!reply) server.avoided_until = Clock::now() + kAvoidUnreachable;
  if (!answer) return try_again_or_give_up(active, server, std::move(answer.error()));
  take(active)->answer(trust_ad_);
}

void GetdnsResolver::try_again_or_give_up(ActiveRef active, const Server& server, Error error) {
  const Question& question = *active->question;
  const bool other_resolver = question.asked.size() < std::min(servers_.size(), kMaxTries);
  const bool same_again = error.code == ErrorCode::kDnsUnreachable && question.asked.size() < 2;
  if (other_resolver || same_again) {
    active->retry = loop_.after(other_resolver ? std::chrono::milliseconds{0} : kRetryDelay, [this, active] {
      active->retry.reset();
      ask(active);
    });
    return;
  }
  error.detail = "resolver " + server.upstream->text() + ": " + error.detail + " (" + question.name() + " " +
                 std::string(rr_type_name(question.type())) + ")";
  take(active)->give_up(std::move(error));
}

GetdnsResolver::Waiting GetdnsResolver::take(ActiveRef active) {
  Waiting question = std::move(active->question);
  active_.erase(active);
  schedule_pump();
  return question;
}

std::vector<ResolverAddress> system_resolvers() {
  std::ifstream file(kResolvConf);
  std::ostringstream text;
  text << file.rdbuf();
  return parse_resolv_conf(text.str());
}

}  // namespace

Result<std::unique_ptr<Resolver>> make_resolver(EventLoop& loop, const ResolverConfig& config) {
  std::vector<ResolverAddress> addresses;
  for (const auto& text : config.resolvers) {
    auto address = parse_resolver_address(text);
    if (!address) return tl::unexpected(address.error());
    addresses.push_back(std::move(*address));
  }
  if (addresses.empty()) addresses = system_resolvers();
  return std::make_unique<GetdnsResolver>(loop, config, addresses);
}

}  // namespace mtasts
