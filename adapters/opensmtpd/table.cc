#include "adapters/opensmtpd/table.h"

#include <algorithm>
#include <utility>

#include "core/lookup.h"
#include "module/store/delivery_events.h"
#include "module/trial/observed.h"

namespace mtasts::opensmtpd {
namespace {

using Kind = Answer::Kind;
using Operation = Request::Operation;
using ServiceName = Request::Service;
using std::chrono::milliseconds;

constexpr std::chrono::hours kReportedAgain{1};
constexpr std::size_t kMaxTestingTold = 10'000;
// So long after a lookup that DNS failed, the next one is not waited for.
constexpr std::chrono::hours kFailureCounts{1};

bool is_enforced(const Decision& decision) {
  return decision.kind == Decision::Kind::kPolicy && decision.mode == Mode::kEnforce;
}

bool is_watched(const Decision& decision) {
  return decision.kind == Decision::Kind::kPolicy && decision.mode == Mode::kTesting;
}

// Such mail must not be sent anywhere because nobody could be asked: not to know is not to know that the policy has
// gone.
DecisionRules rules_of_waiting_mail(DecisionRules rules) {
  rules.on_deadline = rules.on_dns_failure = WhenUnknown::kDefer;
  return rules;
}

// smtpd is held for a shorter time than DNS may take, and mail that it takes without a policy is sent without one.
// Whoever tries again must not be put off for ever by a resolver that is silent: where the last lookup has come to its
// end without an answer, this one counts as failed, too.
Outcome found_in_time(const Outcome& outcome, milliseconds wait, WallTime now) {
  const RecordMemory& record = outcome.entry.record;
  if (record.state == RecordMemory::State::kFailed && now < record.until + kFailureCounts) return outcome;
  return without_blaming_dns(outcome, "the record " + outcome.entry.domain.record_name() + " was not there within " +
                                          std::to_string(std::chrono::ceil<std::chrono::seconds>(wait).count()) +
                                          " s (opensmtpd.wait_s); the lookup goes on");
}

std::unique_ptr<Probes> make_probes(const Table::Deps& deps, const Config& config) {
  if (!config.opensmtpd.probe) return nullptr;
  const Probes::Deps of_probes{deps.resolver, deps.prober, deps.log, deps.steady_clock};
  return std::make_unique<Probes>(of_probes,
                                  deps.smtpd_may_lack_sni ? Probes::Sni::kPerhapsNotSent : Probes::Sni::kSent);
}

// What is no name of a domain has no policy, and is smtpd's business.
std::optional<Domain> domain_of(const std::string& key) { return policy_domain(key).value_or(std::optional<Domain>{}); }

}  // namespace

Table::Table(Deps deps, const Config& config)
    : deps_(std::move(deps)),
      config_(config),
      rules_of_waiting_(rules_of_waiting_mail(config.decision)),
      probes_(make_probes(deps_, config)),
      choice_({deps_.loop, deps_.resolver, probes_.get(),
               [this](const Domain& domain, const std::string& host, const MxTrial& trial, SteadyTime until) {
                 if (deps_.reports != nullptr) deps_.reports->report(domain, host, trial, until);
               }}),
      testing_told_(kMaxTestingTold) {}

void Table::answer(const Request& request, Done done) {
  if (request.operation == Operation::kCheck && request.service == ServiceName::kDomain)
    return check_domain(request.key, std::move(done));
  if (request.operation == Operation::kLookup && request.service == ServiceName::kRelayHost)
    return name_relay_host(request.key, std::move(done));
  // There is nothing to fetch one after the other, and no other service.
  const bool asked = request.operation == Operation::kFetch || request.operation == Operation::kCheck ||
                     request.operation == Operation::kLookup;
  later([done = std::move(done), asked] { done({asked ? Kind::kNotFound : Kind::kError}); });
}

void Table::check_domain(const std::string& key, Done done) {
  const auto domain = domain_of(key);
  find_out(domain, config_.decision, [this, domain, done = std::move(done)](const Decision& found) {
    const Decision decision = config_.opensmtpd.observe ? observed(found) : found;
    const Kind kind = is_enforced(decision)                     ? Kind::kFound
                      : decision.kind == Decision::Kind::kDefer ? Kind::kError
                                                                : Kind::kNotFound;
    if (kind == Kind::kError)
      deps_.log.write(LogLevel::kInfo,
                      LogLine("deferred").field("domain", decision.domain).text("reason", decision.reason));
    done({kind});
    if (!domain) return;
    if (deps_.reports != nullptr && decision.failure && decision.kind == Decision::Kind::kNoPolicy)
      deps_.reports->report_policy_failure(*domain, *decision.failure, {});
    look_ahead(*domain, decision);
  });
}

Decision Table::observed(const Decision& decision) const {
  if (decision.kind == Decision::Kind::kDefer)
    deps_.log.write(LogLevel::kInfo, LogLine(kObservedDefer)
                                         .field("domain", decision.domain)
                                         .text("reason", decision.reason)
                                         .text("effect", "none: observing only"));
  return only_observed(decision);
}

// By the time that the mail is delivered the hosts have been tried; once for all recipients that come meanwhile.
void Table::look_ahead(const Domain& domain, const Decision& decision) {
  if (!is_enforced(decision) && !is_watched(decision)) return;
  if (!probes_ || !watched_.insert(domain.text()).second) return;
  choice_.probe_all(domain, decision.mx, [this, domain, decision](const MxChoice::Findings& findings) {
    watched_.erase(domain.text());
    if (decision.observed) return log_observed(deps_.log, decision, "opensmtpd", findings);
    if (is_watched(decision)) report_testing(domain, findings.failures);
  });
}

// R27: what enforce would have refused.
void Table::report_testing(const Domain& domain, const std::vector<MxChoice::Failure>& failures) {
  if (failures.empty()) return;
  const SteadyTime now = deps_.steady_clock();
  if (testing_told_.find(domain.text(), now) != nullptr) return;
  testing_told_.put(domain.text(), true, now + kReportedAgain);
  for (const auto& [host, error] : failures)
    deps_.log.write(LogLevel::kWarning, LogLine("testing-failure")
                                            .field("domain", domain.text())
                                            .field("mx", host)
                                            .field("error", error_name(error.code))
                                            .text("detail", error.detail)
                                            .text("effect", "none: the policy is in testing"));
}

// Mail that was queued for a policy that has gone since gets its MX host all the same: smtpd stays strict with it until
// it is delivered. While nobody can say whether the policy has gone, it waits.
void Table::name_relay_host(const std::string& key, Done done) {
  const auto domain = domain_of(key);
  if (!domain) return later([done = std::move(done)] { done({Kind::kError}); });
  const auto end = deps_.steady_clock() + config_.opensmtpd.wait;
  find_out(domain, rules_of_waiting_, [this, domain, end, done = std::move(done)](const Decision& decision) {
    if (decision.kind != Decision::Kind::kDefer) {
      const auto left = std::chrono::ceil<milliseconds>(end - deps_.steady_clock());
      return choose(*domain, decision, std::max(left, milliseconds(0)), done);
    }
    deps_.log.write(LogLevel::kInfo,
                    LogLine("deferred").field("domain", decision.domain).text("reason", decision.reason));
    done({Kind::kError});
  });
}

void Table::choose(const Domain& domain, const Decision& decision, milliseconds left, Done done) {
  const auto patterns = is_enforced(decision) ? decision.mx : std::vector<std::string>{};
  choice_.choose(domain, patterns, left,
                 [this, name = domain.text(), done = std::move(done)](const Result<std::string>& host) {
                   if (host) return done({Kind::kFound, "smtp+tls://" + *host});
                   deps_.log.write(LogLevel::kWarning, LogLine("no-mx")
                                                           .field("domain", name)
                                                           .text("detail", host.error().detail)
                                                           .text("effect", "the mail waits"));
                   done({Kind::kError});
                 });
}

void Table::find_out(const std::optional<Domain>& domain, const DecisionRules& rules,
                     std::function<void(const Decision&)> done) {
  if (!domain) return later([done = std::move(done)] { done(no_policy("no policy domain")); });
  deps_.lookups.lookup(
      *domain, Lookup::Effort::kNormal, config_.opensmtpd.wait,
      [this, &rules, done = std::move(done)](const Outcome& outcome) {
        const WallTime now = deps_.clock();
        const bool is_early = config_.opensmtpd.wait < config_.deadline;
        done(decide(is_early ? found_in_time(outcome, config_.opensmtpd.wait, now) : outcome, rules, now));
      });
}

// smtpd asks one thing at a time, so one step is under way at most.
void Table::later(std::function<void()> step) {
  step_ = deps_.loop.after(std::chrono::milliseconds(0), std::move(step));
}

}  // namespace mtasts::opensmtpd
