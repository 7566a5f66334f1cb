#include "adapters/cli/check/zone.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "adapters/cli/check/dns_fact.h"
#include "core/ascii.h"

namespace mtasts::check {
namespace {

using Names = std::vector<std::string>;

Names sorted_names(const std::vector<std::string>& records) {
  Names names;
  for (const auto& record : records) names.push_back(ascii::lower(record));
  std::ranges::sort(names);
  const auto rest = std::ranges::unique(names);
  names.erase(rest.begin(), rest.end());
  names.resize(std::min(names.size(), kMaxServerNames));
  return names;
}

class Walk : public std::enable_shared_from_this<Walk> {
 public:
  Walk(Resolver& resolver, std::string name, std::function<void(Names)> done)
      : resolver_(resolver), name_(ascii::lower(name)), done_(std::move(done)) {}

  void ask() {
    resolver_.ns(name_, [self = shared_from_this()](const auto& answer) { self->on_answer(answer); });
  }

 private:
  void on_answer(const Result<DnsAnswer<std::string>>& answer) {
    if (!answer) return done_({});
    // Behind a CNAME begins somebody else's zone.
    if (!answer->records.empty() && answer->owner == name_) return done_(sorted_names(answer->records));
    const auto dot = name_.find('.');
    const std::string parent = dot == std::string::npos ? "" : name_.substr(dot + 1);
    // A zone of one label is a registry's: the domain has none.
    if (parent.find('.') == std::string::npos) return done_({});
    name_ = parent;
    ask();
  }

  Resolver& resolver_;
  std::string name_;
  std::function<void(Names)> done_;
};

class Comparison : public std::enable_shared_from_this<Comparison> {
 public:
  Comparison(Dns dns, std::string name, ServerQuestions::Type type,
             std::function<void(std::vector<NameserverFact>)> done)
      : dns_(dns), name_(std::move(name)), type_(type), done_(std::move(done)) {}

  void start() {
    find_zone_servers(dns_.resolver, name_, [self = shared_from_this()](const Names& names) { self->on_names(names); });
  }

 private:
  void on_names(const Names& names) {
    open_ = names.size();
    if (open_ == 0) return done_({});
    for (const auto& server : names)
      dns_.resolver.addresses(
          server, [self = shared_from_this(), server](const auto& answer) { self->on_addresses(server, answer); });
  }

  void on_addresses(const std::string& server, const Result<DnsAnswer<std::string>>& answer) {
    if (!answer || answer->records.empty()) {
      facts_.push_back({server, {}, text_fact(answer)});
      facts_.back().record.outcome = DnsFact::Outcome::kFailed;
      if (answer) facts_.back().record.error = "the server's name has no address";
    } else {
      for (const auto& address : answer->records) ask(server, address);
    }
    on_part_done();
  }

  void ask(const std::string& server, const std::string& address) {
    if (asked_ == kMaxServerAddresses) return;
    ++asked_;
    ++open_;
    dns_.servers.ask(address, name_, type_, [self = shared_from_this(), server, address](const auto& answer) {
      self->facts_.push_back({server, address, server_fact(self->name_, self->type_, answer)});
      self->on_part_done();
    });
  }

  void on_part_done() {
    if (--open_ > 0) return;
    std::ranges::sort(facts_, {}, [](const auto& fact) { return std::pair(fact.name, fact.address); });
    done_(std::move(facts_));
  }

  const Dns dns_;
  const std::string name_;
  const ServerQuestions::Type type_;
  std::function<void(std::vector<NameserverFact>)> done_;
  std::vector<NameserverFact> facts_;
  std::size_t open_ = 0;
  std::size_t asked_ = 0;
};

}  // namespace

void find_zone_servers(Resolver& resolver, const std::string& name, std::function<void(Names)> done) {
  std::make_shared<Walk>(resolver, name, std::move(done))->ask();
}

void compare_servers(Dns dns, const std::string& name, ServerQuestions::Type type,
                     std::function<void(std::vector<NameserverFact>)> done) {
  std::make_shared<Comparison>(dns, name, type, std::move(done))->start();
}

}  // namespace mtasts::check
