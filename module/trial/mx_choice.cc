#include "module/trial/mx_choice.h"

#include <algorithm>
#include <utility>

#include "core/mx_match.h"
#include "core/tls_result.h"
#include "module/trial/candidates.h"

namespace mtasts {
namespace {

// They are nothing that could change by itself; a session with one would be tried about as often as others are.
constexpr std::chrono::minutes kNotNamedFor{10};

Error not_named() { return {ErrorCode::kValidationFailure, "the policy does not name it"}; }

// By R25, not because nobody can reach it.
bool is_refused(const Result<void>& result) { return !result && tls_result(result.error().code).has_value(); }

}  // namespace

struct MxChoice::Choice {
  Domain domain;
  std::vector<std::string> hosts;  // empty until DNS has answered
  std::unique_ptr<EventLoop::Watch> timer;
  Done done;
};

MxChoice::MxChoice(Deps deps) : deps_(std::move(deps)), random_(std::random_device{}()) {}

MxChoice::~MxChoice() = default;

void MxChoice::choose(const Domain& domain, const std::vector<std::string>& patterns,
                      std::chrono::milliseconds deadline, Done done) {
  choices_.push_back(std::make_shared<Choice>(Choice{domain, {}, nullptr, std::move(done)}));
  Choice& choice = *choices_.back();
  choice.timer = deps_.loop.after(deadline, [this, &choice] { look_at(choice, Moment::kDeadline); });
  const std::weak_ptr<Choice> weak = choices_.back();
  const auto look = [this, weak] {
    if (const auto open = weak.lock()) look_at(*open, Moment::kHostKnown);
  };
  deps_.resolver.mx(domain.text(), [this, weak, patterns, look](const Result<DnsAnswer<MxRecord>>& answer) {
    const auto open = weak.lock();
    if (!open) return;
    if (!answer) return end(*open, tl::unexpected(answer.error()));
    const std::string& name = open->domain.text();
    open->hosts = candidates(name, answer->records, patterns, random_);
    if (open->hosts.empty())
      return end(*open, fail(ErrorCode::kValidationFailure, "no MX host of " + name + " is permitted"));
    if (deps_.probes == nullptr) return end(*open, open->hosts.front());
    const auto report_for = patterns.empty() ? std::nullopt : std::optional(open->domain);
    for (const std::string& host : open->hosts) probe_or_report(report_for, host, look);
    look();
  });
}

// Nothing comes of the choice after that.
void MxChoice::end(Choice& choice, const Result<std::string>& host) {
  const auto place = std::ranges::find(choices_, &choice, &std::shared_ptr<Choice>::get);
  if (place == choices_.end()) return;
  const auto ended = std::move(*place);
  choices_.erase(place);
  ended->done(host);
}

// The first that passes, once all before it are known. At the deadline one that nothing is known of may pass as well;
// but one that failed the last time comes after those that did not: a host that answers nothing takes longer to fail
// than smtpd can be held, and would be named at each attempt, though the next one is good.
void MxChoice::look_at(Choice& choice, Moment moment) {
  if (choice.hosts.empty())  // then it is the deadline
    return end(choice, fail(ErrorCode::kDeadline, "the MX records of " + choice.domain.text() + " did not come"));
  const std::string* best = nullptr;
  Prospect best_prospect = Prospect::kFails;
  for (const std::string& host : choice.hosts) {
    if (deps_.probes->known(host) == nullptr && moment != Moment::kDeadline) return;
    const Prospect prospect = deps_.probes->prospect(host);
    if (prospect == Prospect::kPasses || prospect == Prospect::kUnknown) return end(choice, host);
    if (prospect < best_prospect) {
      best = &host;
      best_prospect = prospect;
    }
  }
  if (best != nullptr) return end(choice, *best);
  end(choice, fail(ErrorCode::kValidationFailure, "no permitted MX host of " + choice.domain.text() +
                                                      " passes: see the lines event=mx-failed before this one"));
}

bool MxChoice::probe_or_report(const std::optional<Domain>& report_for, const std::string& host,
                               const std::function<void()>& done) const {
  if (deps_.probes->known(host) != nullptr) {
    report(report_for, host);
    return false;
  }
  deps_.probes->probe(host, [this, report_for, host, done] {
    report(report_for, host);
    done();
  });
  return true;
}

void MxChoice::report(const std::optional<Domain>& domain, const std::string& host) const {
  const Probes::Known* known = deps_.probes->known(host);
  if (domain && deps_.report && known != nullptr) deps_.report(*domain, host, known->value.trial, known->until);
}

void MxChoice::report_not_named(const Domain& domain, const std::string& host) const {
  if (deps_.report) deps_.report(domain, host, {tl::unexpected(not_named())}, deps_.probes->now() + kNotNamedFor);
}

struct MxChoice::ProbeRun {
  Domain domain;
  std::vector<std::string> hosts;
  std::vector<std::string> patterns;
  AllProbed done;
  std::size_t missing = 0;  // probes that have not ended
};

// What nothing is known of any more when the last probe ends was no failure; nor is a host that nobody can reach.
MxChoice::Findings MxChoice::findings_of(const ProbeRun& run) const {
  Findings findings{{}, run.hosts.size()};
  for (const std::string& host : run.hosts) {
    const Probes::Known* known = deps_.probes->known(host);
    if (!mx_allowed(run.patterns, host))
      findings.failures.push_back({host, not_named()});
    else if (known != nullptr && is_refused(known->value.trial.result))
      findings.failures.push_back({host, known->value.trial.result.error()});
  }
  return findings;
}

void MxChoice::probe_all(const Domain& domain, const std::vector<std::string>& patterns, AllProbed done) {
  const auto run = std::make_shared<ProbeRun>(ProbeRun{domain, {}, patterns, std::move(done)});
  deps_.resolver.mx(domain.text(), [this, run](const Result<DnsAnswer<MxRecord>>& answer) {
    if (answer) run->hosts = candidates(run->domain.text(), answer->records, {}, random_);
    const auto one_is_known = [this, run] {
      if (--run->missing == 0) run->done(findings_of(*run));
    };
    for (const std::string& host : run->hosts) {
      if (!mx_allowed(run->patterns, host))
        report_not_named(run->domain, host);
      else if (probe_or_report(run->domain, host, one_is_known))
        ++run->missing;
    }
    if (run->missing == 0) run->done(findings_of(*run));
  });
}

}  // namespace mtasts
