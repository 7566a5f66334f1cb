#include "adapters/cli/check/observation.h"

#include <algorithm>
#include <random>
#include <utility>

#include "adapters/cli/check/alias.h"
#include "adapters/cli/check/dns_fact.h"
#include "core/ascii.h"
#include "module/io/wall_clock.h"

namespace mtasts::check {
namespace {

constexpr const char* kNoTime = "not looked at within the time for this domain";

bool is_sts_record(const std::string& text) { return text.starts_with("v=STSv1"); }

// Of mta-sts.example.com: example.com.
std::optional<Domain> parent_of_policy_host(const Domain& domain) {
  constexpr std::string_view kPolicyHost = "mta-sts.";
  const std::string_view name = domain.text();
  if (!name.starts_with(kPolicyHost)) return std::nullopt;
  return policy_domain(name.substr(kPolicyHost.size())).value_or(std::nullopt);
}

bool has_sts_record(const DnsFact& fact) { return std::ranges::any_of(fact.values, is_sts_record); }

// Nobody can have published it in advance.
std::string random_sibling(const Domain& domain) {
  std::random_device random;
  return "_mta-sts-" + std::to_string(random()) + std::to_string(random()) + '.' + domain.text();
}

class Observation : public std::enable_shared_from_this<Observation> {
 public:
  Observation(Outside outside, const Domain& domain, WithoutRecord without_record, std::function<void(Facts)> done)
      : outside_(outside), without_record_(without_record), done_(std::move(done)), facts_{.domain = domain} {
    facts_.seen_at = std::chrono::floor<std::chrono::seconds>(now());
  }

  void start(std::chrono::milliseconds time) {
    timer_ = outside_.loop.after(time, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->finish();
    });
    facts_.record = unanswered();
    begin_part();
    resolver().txt(facts_.domain.record_name(),
                   [self = shared_from_this()](const auto& answer) { self->on_record(answer); });
  }

 private:
  Resolver& resolver() { return outside_.dns.resolver; }
  void begin_part() { ++open_; }
  void end_part() {
    if (--open_ == 0) finish();
  }
  // What comes after the end is of no use.
  [[nodiscard]] bool is_over() const { return done_ == nullptr; }

  // Runs `put` when a part of the facts is there, unless the time is over.
  template <typename Put>
  auto part(Put put) {
    begin_part();
    return [self = shared_from_this(), put](const auto& got) {
      if (self->is_over()) return;
      put(*self, got);
      self->end_part();
    };
  }

  void on_record(const Result<DnsAnswer<std::string>>& answer) {
    if (is_over()) return;
    const std::string name = facts_.domain.record_name();
    facts_.record = text_fact(answer);
    const bool is_absent = answer && answer->owner == name && !has_sts_record(facts_.record);
    if (may_be_alias(name, answer)) {
      follow_alias(resolver(), name, part([name](Observation& self, const AliasFact& alias) {
                     self.facts_.record_alias = alias;
                     self.compare();
                   }));
    } else {
      compare();
    }
    if (!is_absent || without_record_ == WithoutRecord::kGoOn)
      look_at_the_rest();
    else
      look_at_parent();
    end_part();
  }

  void look_at_parent() {
    const std::optional<Domain> parent = parent_of_policy_host(facts_.domain);
    if (!parent) return;
    facts_.policy_host_name = PolicyHostNameFact{*parent, unanswered(), unanswered(), unanswered()};
    resolver().mx(facts_.domain.text(), part([](Observation& self, const auto& answer) {
                    self.facts_.policy_host_name->mx = mx_fact(answer);
                  }));
    resolver().txt(parent->record_name(), part([](Observation& self, const auto& answer) {
                     self.facts_.policy_host_name->parent_record = text_fact(answer);
                   }));
    resolver().mx(parent->text(), part([](Observation& self, const auto& answer) {
                    self.facts_.policy_host_name->parent_mx = mx_fact(answer);
                  }));
  }

  void compare() {
    const AliasFact& alias = facts_.record_alias;
    const auto type = alias.chain.empty() ? ServerQuestions::Type::kTxt : ServerQuestions::Type::kCname;
    compare_servers(outside_.dns, facts_.domain.record_name(), type,
                    part([](Observation& self, const auto& servers) { self.on_servers(servers); }));
    if (alias.kind == AliasFact::Kind::kAlias)
      compare_servers(outside_.dns, alias.chain.back(), ServerQuestions::Type::kTxt,
                      part([](Observation& self, const auto& servers) { self.facts_.target_servers = servers; }));
  }

  // It is chance which of the servers the resolver asked.
  void on_servers(const std::vector<NameserverFact>& servers) {
    facts_.record_servers = servers;
    if (std::ranges::any_of(servers, has_sts_record, &NameserverFact::record)) look_at_the_rest();
  }

  void look_at_the_rest() {
    if (std::exchange(looks_at_all_, true)) return;
    look_for_wildcard();
    look_at_policy_host();
    look_at_mx_hosts();
    facts_.tlsrpt = unanswered();
    resolver().txt("_smtp._tls." + facts_.domain.text(),
                   part([](Observation& self, const auto& got) { self.facts_.tlsrpt = text_fact(got); }));
  }

  void look_for_wildcard() {
    resolver().txt(random_sibling(facts_.domain), part([](Observation& self, const auto& answer) {
                     self.facts_.is_record_wildcard = has_sts_record(text_fact(answer));
                   }));
  }

  void look_at_policy_host() {
    facts_.host_addresses = unanswered();
    resolver().addresses(facts_.domain.policy_host(), part([](Observation& self, const auto& answer) {
                           self.facts_.host_addresses = text_fact(answer);
                           self.on_policy_host(answer);
                         }));
  }

  void on_policy_host(const Result<DnsAnswer<std::string>>& answer) {
    if (may_be_alias(facts_.domain.policy_host(), answer))
      follow_alias(resolver(), facts_.domain.policy_host(),
                   part([](Observation& self, const AliasFact& alias) { self.facts_.host_alias = alias; }));
    const auto& addresses = facts_.host_addresses.values;
    for (std::size_t i = 0; i < std::min(addresses.size(), kMaxPolicyAddresses); ++i) {
      facts_.host.push_back({.address = addresses[i], .not_tried = kNoTime});
      outside_.inspector.policy_host(
          facts_.domain, addresses[i],
          part([i](Observation& self, const PolicyAddressFact& fact) { self.facts_.host[i] = fact; }));
    }
  }

  void look_at_mx_hosts() {
    facts_.mx_records = unanswered();
    resolver().mx(facts_.domain.text(), part([](Observation& self, const auto& answer) {
                    self.facts_.mx_records = mx_fact(answer);
                    if (answer) self.on_mx(*answer);
                  }));
  }

  void on_mx(DnsAnswer<MxRecord> answer) {
    if (answer.kind == DnsAnswer<MxRecord>::Kind::kNoData) answer.records = {{0, facts_.domain.text()}};
    std::ranges::stable_sort(answer.records, {}, &MxRecord::preference);
    for (const auto& record : answer.records) {
      const std::string host = ascii::lower(record.host);
      if (host.empty()) {
        facts_.is_null_mx = true;
        continue;
      }
      if (std::ranges::find(facts_.mx, host, &MxFact::host) != facts_.mx.end()) continue;
      facts_.mx.push_back({.host = host, .preference = record.preference});
      if (facts_.mx.size() <= kMaxMxHosts) facts_.mx.back().addresses = unanswered();
    }
    // Known hosts are told of at once: all places must be there.
    const std::size_t looked_at = std::min(facts_.mx.size(), kMaxMxHosts);
    for (std::size_t i = 0; i < looked_at; ++i)
      outside_.mx_hosts.look(facts_.mx[i].host, part([i](Observation& self, const MxFact& fact) {
                               const unsigned preference = self.facts_.mx[i].preference;
                               self.facts_.mx[i] = fact;
                               self.facts_.mx[i].preference = preference;
                             }));
  }

  void finish() {
    if (is_over()) return;
    timer_.reset();
    std::exchange(done_, nullptr)(std::move(facts_));
  }

  const Outside outside_;
  const WithoutRecord without_record_;
  std::function<void(Facts)> done_;
  Facts facts_;
  std::size_t open_ = 0;
  bool looks_at_all_ = false;
  std::unique_ptr<EventLoop::Watch> timer_;
};

}  // namespace

void observe_domain(const Outside& outside, const Domain& domain, WithoutRecord without_record,
                    std::chrono::milliseconds time, std::function<void(Facts)> done) {
  std::make_shared<Observation>(outside, domain, without_record, std::move(done))->start(time);
}

}  // namespace mtasts::check
