#include "adapters/opensmtpd/table.h"

#include <utility>

#include "core/fnv1a.h"
#include "core/lookup.h"
#include "module/client.h"
#include "module/dns_warning.h"

namespace mtasts::opensmtpd {
namespace {

using Kind = Answer::Kind;
using Operation = Request::Operation;
using ServiceName = Request::Service;

constexpr std::chrono::hours kReportedAgain{1};

bool is_enforced(const Decision& decision) {
  return decision.kind == Decision::Kind::kPolicy && decision.mode == Mode::kEnforce;
}

bool is_watched(const Decision& decision) {
  return decision.kind == Decision::Kind::kPolicy && decision.mode == Mode::kTesting;
}

std::unique_ptr<Probes> make_probes(Service& service, Log& log) {
  if (!service.config().opensmtpd.probe) return nullptr;
  return std::make_unique<Probes>(service.network().resolver(), service.network().prober(), log,
                                  std::chrono::steady_clock::now);
}

// What is no name of a domain has no policy, and is smtpd's business.
std::optional<Domain> domain_of(const std::string& key) { return policy_domain(key).value_or(std::optional<Domain>{}); }

}  // namespace

Table::Table(EventLoop& loop, Service& service, Log& log)
    : loop_(loop),
      service_(service),
      log_(log),
      probes_(make_probes(service, log)),
      choice_({loop, service.network().resolver(), probes_.get()}) {}

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
  find_out(domain, [this, domain, done = std::move(done)](const Decision& decision) {
    const Kind kind = is_enforced(decision)                     ? Kind::kFound
                      : decision.kind == Decision::Kind::kDefer ? Kind::kError
                                                                : Kind::kNotFound;
    if (kind == Kind::kError)
      log_.write(LogLevel::kInfo, "event=deferred domain=" + decision.domain + " reason=" + quoted(decision.reason));
    done({kind});
    if (domain) look_ahead(*domain, decision);
  });
}

// By the time that the mail is delivered the hosts have been tried.
void Table::look_ahead(const Domain& domain, const Decision& decision) {
  if (!is_enforced(decision) && !is_watched(decision)) return;
  choice_.watch(domain, decision.mx,
                [this, domain, testing = is_watched(decision)](const std::vector<MxChoice::Failure>& failures) {
                  if (testing) report_testing(domain, failures);
                });
}

// R27: what enforce would have refused.
void Table::report_testing(const Domain& domain, const std::vector<MxChoice::Failure>& failures) {
  if (failures.empty()) return;
  const std::string stamp = "testing-" + std::to_string(fnv1a_64(domain.text()));
  if (!service_.store().due(stamp, kReportedAgain)) return;
  for (const auto& [host, error] : failures)
    log_.write(LogLevel::kWarning, "event=testing-failure domain=" + domain.text() + " mx=" + host + " error=" +
                                       std::string(error_name(error.code)) + " detail=" + quoted(error.detail) +
                                       " effect=\"none: the policy is in testing\"");
}

// Mail that was queued for a policy that has gone since gets its MX host all the same: smtpd stays strict with it until
// it is delivered.
void Table::name_relay_host(const std::string& key, Done done) {
  const auto domain = domain_of(key);
  if (!domain) return later([done = std::move(done)] { done({Kind::kError}); });
  find_out(domain, [this, domain, done = std::move(done)](const Decision& decision) {
    if (decision.kind == Decision::Kind::kDefer) return done({Kind::kError});
    const auto patterns = is_enforced(decision) ? decision.mx : std::vector<std::string>{};
    choice_.choose(
        *domain, patterns, service_.config().opensmtpd.wait, [this, domain, done](const Result<std::string>& host) {
          if (host) return done({Kind::kFound, "smtp+tls://" + *host});
          log_.write(LogLevel::kWarning, "event=no-mx domain=" + domain->text() +
                                             " detail=" + quoted(host.error().detail) + " effect=\"the mail waits\"");
          done({Kind::kError});
        });
  });
}

void Table::find_out(const std::optional<Domain>& domain, std::function<void(const Decision&)> done) {
  const Config& config = service_.config();
  if (!domain) return later([done = std::move(done)] { done(no_policy("no policy domain")); });
  const auto remembered = service_.store().use(*domain);
  if (const auto known = Lookup(*domain, remembered, Lookup::Effort::kNormal, config.lookup).start(now()).answer)
    return later([decision = decide(*known, config.decision, now()), done = std::move(done)] { done(decision); });
  service_.engine().lookup(*domain, Lookup::Effort::kNormal, config.opensmtpd.wait,
                           [this, done = std::move(done)](const Outcome& outcome) {
                             warn_of_dns_failure(service_.store(), log_, outcome);
                             done(decide(outcome, service_.config().decision, now()));
                           });
}

// smtpd asks one thing at a time, so one step is under way at most.
void Table::later(std::function<void()> step) { step_ = loop_.after(std::chrono::milliseconds(0), std::move(step)); }

}  // namespace mtasts::opensmtpd
