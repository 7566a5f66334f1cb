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
  choice.timer = deps_.loop.after(deadline, [this, &choice] { look_at(choice, true); });
  const std::weak_ptr<Choice> weak = choices_.back();
  const auto look = [this, weak] {
    if (const auto open = weak.lock()) look_at(*open, false);
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
    const auto told = patterns.empty() ? std::nullopt : std::optional(open->domain);
    for (const std::string& host : open->hosts) find_out(told, host, look);
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
void MxChoice::look_at(Choice& choice, bool at_deadline) {
  if (choice.hosts.empty())  // then it is the deadline
    return end(choice, fail(ErrorCode::kDeadline, "the MX records of " + choice.domain.text() + " did not come"));
  const std::string* best = nullptr;
  Prospect best_prospect = Prospect::kFails;
  for (const std::string& host : choice.hosts) {
    if (deps_.probes->known(host) == nullptr && !at_deadline) return;
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

bool MxChoice::find_out(const std::optional<Domain>& told, const std::string& host,
                        const std::function<void()>& done) const {
  if (deps_.probes->known(host) != nullptr) {
    tell(told, host);
    return false;
  }
  deps_.probes->probe(host, [this, told, host, done] {
    tell(told, host);
    done();
  });
  return true;
}

void MxChoice::tell(const std::optional<Domain>& domain, const std::string& host) const {
  const Probes::Known* known = deps_.probes->known(host);
  if (domain && deps_.told && known != nullptr) deps_.told(*domain, host, known->value.trial, known->until);
}

void MxChoice::tell_not_named(const Domain& domain, const std::string& host) const {
  if (deps_.told) deps_.told(domain, host, {tl::unexpected(not_named())}, deps_.probes->now() + kNotNamedFor);
}

struct MxChoice::Watch {
  Domain domain;
  std::vector<std::string> hosts;
  std::vector<std::string> patterns;
  Watched done;
  std::size_t missing = 0;  // probes that have not ended
};

// What nothing is known of any more when the last probe ends was no failure; nor is a host that nobody can reach.
MxChoice::Findings MxChoice::findings_of(const Watch& watch) const {
  Findings findings{{}, watch.hosts.size()};
  for (const std::string& host : watch.hosts) {
    const Probes::Known* known = deps_.probes->known(host);
    if (!mx_allowed(watch.patterns, host))
      findings.failures.push_back({host, not_named()});
    else if (known != nullptr && is_refused(known->value.trial.result))
      findings.failures.push_back({host, known->value.trial.result.error()});
  }
  return findings;
}

void MxChoice::watch(const Domain& domain, const std::vector<std::string>& patterns, Watched done) {
  const auto watch = std::make_shared<Watch>(Watch{domain, {}, patterns, std::move(done)});
  deps_.resolver.mx(domain.text(), [this, watch](const Result<DnsAnswer<MxRecord>>& answer) {
    if (answer) watch->hosts = candidates(watch->domain.text(), answer->records, {}, random_);
    const auto one_is_known = [this, watch] {
      if (--watch->missing == 0) watch->done(findings_of(*watch));
    };
    for (const std::string& host : watch->hosts) {
      if (!mx_allowed(watch->patterns, host))
        tell_not_named(watch->domain, host);
      else if (find_out(watch->domain, host, one_is_known))
        ++watch->missing;
    }
    if (watch->missing == 0) watch->done(findings_of(*watch));
  });
}

}  // namespace mtasts
