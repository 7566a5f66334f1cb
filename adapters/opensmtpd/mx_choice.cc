#include "adapters/opensmtpd/mx_choice.h"

#include <algorithm>
#include <utility>

#include "adapters/opensmtpd/candidates.h"
#include "core/mx_match.h"

namespace mtasts::opensmtpd {

struct MxChoice::Choice {
  std::string domain;
  std::vector<std::string> hosts;  // empty until DNS has answered
  std::unique_ptr<EventLoop::Watch> timer;
  Done done;
};

MxChoice::MxChoice(Parts parts) : parts_(parts), random_(std::random_device{}()) {}

MxChoice::~MxChoice() = default;

void MxChoice::choose(const Domain& domain, const std::vector<std::string>& patterns,
                      std::chrono::milliseconds deadline, Done done) {
  choices_.push_back(std::make_shared<Choice>(Choice{domain.text(), {}, nullptr, std::move(done)}));
  Choice& choice = *choices_.back();
  choice.timer = parts_.loop.after(deadline, [this, &choice] { look_at(choice, true); });
  const std::weak_ptr<Choice> weak = choices_.back();
  const auto look = [this, weak] {
    if (const auto open = weak.lock()) look_at(*open, false);
  };
  parts_.resolver.mx(domain.text(), [this, weak, patterns, look](const Result<DnsAnswer<MxRecord>>& answer) {
    const auto open = weak.lock();
    if (!open) return;
    if (!answer) return end(*open, tl::unexpected(answer.error()));
    open->hosts = candidates(open->domain, answer->records, patterns, random_);
    if (open->hosts.empty())
      return end(*open, fail(ErrorCode::kValidationFailure, "no MX host of " + open->domain + " is permitted"));
    if (parts_.probes == nullptr) return end(*open, open->hosts.front());
    probe_all(open->hosts, look);
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

// The first that passes, once all before it have failed. At the deadline one that nothing is known of may pass; but one
// that failed the last time comes after those that did not: a host that answers nothing takes longer to fail than smtpd
// can be held, and would be named at each attempt, though the next one is good.
void MxChoice::look_at(Choice& choice, bool at_deadline) {
  if (choice.hosts.empty())  // then it is the deadline
    return end(choice, fail(ErrorCode::kDeadline, "the MX records of " + choice.domain + " did not come"));
  const std::string* doubtful = nullptr;
  for (const std::string& host : choice.hosts) {
    const Result<void>* known = parts_.probes->known(host);
    if (known == nullptr && !at_deadline) return;
    if (known != nullptr && !*known) continue;
    if (known != nullptr || !parts_.probes->failed_last(host)) return end(choice, host);
    if (doubtful == nullptr) doubtful = &host;
  }
  if (doubtful != nullptr) return end(choice, *doubtful);
  end(choice, fail(ErrorCode::kValidationFailure, "no permitted MX host of " + choice.domain +
                                                      " passes: see the lines event=mx-failed before this one"));
}

void MxChoice::probe_all(const std::vector<std::string>& hosts, const std::function<void()>& each) const {
  for (const std::string& host : hosts) {
    if (parts_.probes->known(host) == nullptr) parts_.probes->probe(host, each);
  }
}

struct MxChoice::Watch {
  std::vector<std::string> hosts;
  std::vector<std::string> patterns;
  Watched done;
  std::size_t missing = 0;  // probes that have not ended
};

// What nothing is known of any more when the last probe ends was no failure.
std::vector<MxChoice::Failure> MxChoice::failures_of(const Watch& watch) const {
  std::vector<Failure> failures;
  for (const std::string& host : watch.hosts) {
    const Result<void>* known = parts_.probes->known(host);
    if (!mx_allowed(watch.patterns, host))
      failures.push_back({host, {ErrorCode::kValidationFailure, "the policy does not name it"}});
    else if (known != nullptr && !*known)
      failures.push_back({host, known->error()});
  }
  return failures;
}

void MxChoice::watch(const Domain& domain, const std::vector<std::string>& patterns, Watched done) {
  const auto watch = std::make_shared<Watch>(Watch{{}, patterns, std::move(done)});
  parts_.resolver.mx(domain.text(), [this, watch, name = domain.text()](const Result<DnsAnswer<MxRecord>>& answer) {
    if (answer) watch->hosts = candidates(name, answer->records, {}, random_);
    std::vector<std::string> unknown;
    for (const std::string& host : watch->hosts) {
      if (mx_allowed(watch->patterns, host) && parts_.probes->known(host) == nullptr) unknown.push_back(host);
    }
    watch->missing = unknown.size();
    if (unknown.empty()) return watch->done(failures_of(*watch));
    probe_all(unknown, [this, watch] {
      if (--watch->missing == 0) watch->done(failures_of(*watch));
    });
  });
}

}  // namespace mtasts::opensmtpd
