#include "dns/server_questions.h"

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include "core/address_rule.h"
#include "dns/getdns_loop.h"
#include "dns/reply.h"
#include "dns/resolver.h"
#include "dns/upstream.h"

namespace mtasts {
namespace {

using Answer = Result<DnsAnswer<std::string>>;

constexpr std::size_t kMaxIdleServers = 64;  // kept for the next question to the same server

class GetdnsServerQuestions final : public ServerQuestions {
 public:
  GetdnsServerQuestions(EventLoop& loop, ServerQuestionsConfig config, AddressRule rule)
      : loop_(loop), config_(std::move(config)), rule_(std::move(rule)), getdns_loop_(loop) {}

  void ask(const std::string& address, const std::string& name, Type type, Callback done) override;

 private:
  struct Question {
    std::string address;
    std::string name;
    Type type;
    Callback done;
  };
  struct Server {
    std::unique_ptr<Upstream> upstream;
    unsigned under_way = 0;
  };
  struct Answered {
    std::string address;  // empty: it was not asked
    Callback done;
    Answer answer;
  };

  [[nodiscard]] std::optional<Error> obstacle(const Question& question) const;
  [[nodiscard]] bool has_room_at(const std::string& address) const;
  Upstream& server(const std::string& address);
  void put(Question question);
  void schedule_pump();
  void pump();
  void deliver();
  void forget_idle_servers();

  EventLoop& loop_;
  const ServerQuestionsConfig config_;
  const AddressRule rule_;
  GetdnsLoop getdns_loop_;
  std::deque<Question> waiting_;
  std::vector<Answered> answered_;
  unsigned under_way_ = 0;
  std::unique_ptr<EventLoop::Watch> pump_;
  std::map<std::string, Server> servers_;  // last, hence destroyed first: getdns may hold pointers to the rest
};

void GetdnsServerQuestions::ask(const std::string& address, const std::string& name, Type type, Callback done) {
  waiting_.push_back({address, name, type, std::move(done)});
  schedule_pump();
}

std::optional<Error> GetdnsServerQuestions::obstacle(const Question& question) const {
  if (!is_askable(question.name))
    return Error{ErrorCode::kInvalidName, "\"" + escaped(question.name) + "\" is not a host name"};
  const auto sorted = rule_.sort({question.address});
  if (!sorted.refused.empty()) return Error{ErrorCode::kUnreachable, refusal(sorted.refused.front())};
  if (sorted.allowed.empty())
    return Error{ErrorCode::kUnreachable, "\"" + escaped(question.address) + "\" is no address"};
  return std::nullopt;
}

bool GetdnsServerQuestions::has_room_at(const std::string& address) const {
  const auto found = servers_.find(address);
  return found == servers_.end() || found->second.under_way < std::max(1U, config_.max_per_address);
}

Upstream& GetdnsServerQuestions::server(const std::string& address) {
  Server& server = servers_[address];
  ++server.under_way;
  if (!server.upstream) {
    ResolverConfig manner;
    manner.timeout = config_.timeout;
    server.upstream = std::make_unique<Upstream>(
        getdns_loop_, ResolverAddress{IpAddress::parse(address).value(), {}, config_.port}, std::move(manner));
  }
  return *server.upstream;
}

// What getdns calls back runs inside it: the answer is read there and handed on in a later round of the loop.
void GetdnsServerQuestions::put(Question question) {
  ++under_way_;
  const RrType type = question.type == Type::kTxt ? RrType::kTxt : RrType::kCname;
  Upstream& upstream = server(question.address);
  const std::string name = question.name;
  upstream.ask(name, type, Upstream::Manner::kAuthority, [this, question = std::move(question)](const auto& reply) {
    auto answer = reply.and_then([&](const getdns_dict* dict) {
      return question.type == Type::kTxt ? read_txt(dict, question.name) : read_cname(dict, question.name);
    });
    if (!answer) answer.error().detail = "server " + question.address + ": " + answer.error().detail;
    answered_.push_back({question.address, question.done, std::move(answer)});
    schedule_pump();
  });
}

void GetdnsServerQuestions::schedule_pump() {
  if (pump_) return;
  pump_ = loop_.after(std::chrono::milliseconds{0}, [this] {
    pump_.reset();
    pump();
  });
}

void GetdnsServerQuestions::pump() {
  deliver();
  auto waiting = std::exchange(waiting_, {});
  for (auto& question : waiting) {
    if (auto error = obstacle(question)) {
      answered_.push_back({{}, std::move(question.done), tl::unexpected(std::move(*error))});
    } else if (under_way_ < std::max(1U, config_.max_in_flight) && has_room_at(question.address)) {
      put(std::move(question));
    } else {
      waiting_.push_back(std::move(question));
    }
  }
  if (!answered_.empty()) schedule_pump();
  forget_idle_servers();
}

void GetdnsServerQuestions::deliver() {
  for (auto& answered : std::exchange(answered_, {})) {
    if (!answered.address.empty()) {
      --under_way_;
      --servers_.at(answered.address).under_way;
    }
    answered.done(std::move(answered.answer));
  }
}

void GetdnsServerQuestions::forget_idle_servers() {
  if (servers_.size() > kMaxIdleServers)
    std::erase_if(servers_, [](const auto& entry) { return entry.second.under_way == 0; });
}

}  // namespace

Result<std::unique_ptr<ServerQuestions>> make_server_questions(EventLoop& loop, const ServerQuestionsConfig& config) {
  auto rule = AddressRule::make(config.allow_private);
  if (!rule) return tl::unexpected(rule.error());
  return std::make_unique<GetdnsServerQuestions>(loop, config, std::move(*rule));
}

}  // namespace mtasts
