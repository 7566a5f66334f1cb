#include "module/server/answers.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/lookup.h"
#include "module/engine/cached_lookups.h"
#include "module/store/delivery_events.h"

namespace mtasts::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

// How long an answer is repeated without a look into the store.
constexpr seconds kRepeated{5};

// A lookup that begins later than this after its request had to wait for others (requests.h).
constexpr seconds kAtOnce{1};

// The resolver was not given the time that it may take (dns/resolver.h), for want of room here.
std::string begun_late(const Question& question) {
  return "too many lookups run; the one for " + question.domain.text() + " began too late to be finished in time";
}

}  // namespace

Answers::Found Answers::find(std::string_view payload, const PeerProcess& process) {
  if (const Answer* found = memory_.find(payload, steady_clock::now())) {
    deps_.metrics.from_memory();
    deps_.metrics.answered_at_once(found->label);
    return {&found->frame, {}};
  }
  auto [immediate, question] = deps_.protocol.read(payload, process, cached_);
  if (immediate) return {keep(payload, std::move(*immediate), seconds(0)), {}};
  const WallTime now = deps_.clock();
  const auto cached = cached_outcome(deps_.store, question->domain, Lookup::Effort::kNormal, config_.lookup, now);
  if (!cached) return {nullptr, std::move(question)};
  if (!cached->fault) deps_.metrics.from_store();
  const Decision decision = decide(*cached, config_.decision, now);
  report(*question, decision);
  return {keep(payload, told_answer(*question, decision), good_for(*question, *cached)), {}};
}

std::optional<Outcome> Answers::cached_only(const Domain& domain) {
  auto entry = deps_.store.use(domain);
  if (!entry) return not_tried(domain, entry.error());
  if (!*entry) return std::nullopt;
  return Lookup(domain, std::move(**entry), Lookup::Effort::kNormal, config_.lookup).so_far();
}

std::optional<Decision> Answers::cached(const Domain& domain) {
  const auto outcome = cached_only(domain);
  if (!outcome) return std::nullopt;
  Decision decision = decide(*outcome, config_.decision, deps_.clock());
  return deps_.observe ? only_observed(std::move(decision)) : decision;
}

void Answers::ask(const Question& question, SteadyTime asked, milliseconds wait, Done done) {
  const auto waited = steady_clock::now() - asked;
  const auto left = std::chrono::ceil<milliseconds>(wait - waited);
  deps_.lookups->lookup(question.domain, Lookup::Effort::kNormal, std::max(left, milliseconds(0)),
                        [this, question, done = std::move(done), asked,
                         is_late = waited > kAtOnce || wait < config_.deadline](const Outcome& found) {
                          const Outcome outcome = is_late ? without_blaming_dns(found, begun_late(question)) : found;
                          const Decision decision = decide(outcome, config_.decision, deps_.clock());
                          Answer given = told_answer(question, decision);
                          deps_.metrics.looked_up(outcome);
                          deps_.metrics.answered(given.label, steady_clock::now() - asked);
                          done(given.frame);
                          report(question, decision);
                          if (const seconds time = good_for(question, outcome); time > seconds(0))
                            memory_.put(question.payload, std::move(given), steady_clock::now() + time);
                        });
}

std::string Answers::without_lookup(const Question& question, const std::string& reason) {
  const Domain& domain = question.domain;
  Outcome outcome =
      cached_only(domain).value_or(Lookup(domain, std::nullopt, Lookup::Effort::kNormal, config_.lookup).so_far());
  if (!outcome.fault) outcome.progress = Outcome::Progress::kNotAsked;
  go_by_last_dane(outcome.entry, reason, deps_.clock());
  DecisionRules rules = config_.decision;
  rules.on_deadline = WhenUnknown::kDefer;
  Decision decision = decide(outcome, rules, deps_.clock());
  if (decision.kind == Decision::Kind::kDefer) decision.reason = reason;
  report(question, decision);
  Answer given = answer(question, decision);
  deps_.metrics.answered_at_once(given.label);
  return std::move(given.frame);
}

std::optional<std::string> Answers::before_lookup(const Question& question, SteadyTime asked) {
  auto entry = deps_.store.use(question.domain);
  if (!entry || !*entry) return std::nullopt;
  const WallTime now = deps_.clock();
  const Lookup lookup(question.domain, std::move(**entry), Lookup::Effort::kNormal, config_.lookup);
  const auto outcome = lookup.without_record(now, "its lookup has to wait for others here");
  if (!outcome) return std::nullopt;
  look_up_behind(question.domain);
  const Decision decision = decide(*outcome, config_.decision, now);
  report(question, decision);
  Answer given = told_answer(question, decision);
  deps_.metrics.answered(given.label, steady_clock::now() - asked);
  return std::move(given.frame);
}

// Whoever keeps the places full must not keep a policy from being changed.
void Answers::look_up_behind(const Domain& domain) {
  if (behind_.size() >= kMaxBehind || !behind_.insert(domain.text()).second) return;
  deps_.lookups->lookup(domain, Lookup::Effort::kNormal, config_.deadline, [this, domain](const Outcome& outcome) {
    deps_.metrics.looked_up(outcome);
    behind_.erase(domain.text());
  });
}

// A delivery that goes on without a policy that the domain has (R16, R32), or that is about to leave MX hosts out.
void Answers::report(const Question& question, const Decision& decision) const {
  if (deps_.reports == nullptr || !question.is_delivery) return;
  if (decision.failure && decision.kind == Decision::Kind::kNoPolicy)
    return deps_.reports->report_policy_failure(question.domain, *decision.failure,
                                                {question.process, question.message});
  const bool is_enforced = decision.kind == Decision::Kind::kPolicy && decision.mode == Mode::kEnforce;
  if (!deps_.reports_unlisted || !is_enforced || deps_.observe) return;
  TlsSession session = sts_session(question.domain, decision.body, decision.mx);
  session.dane_hosts = decision.dane_hosts;
  deps_.reports->report_unlisted_once(std::move(session), {question.process, question.message});
}

Answer Answers::answer(const Question& question, const Decision& decision) {
  Answer given = deps_.protocol.answer(question, decision);
  if (deps_.observe) given = observed(question, decision, given);
  if (deps_.log.writes(LogLevel::kDebug)) {
    deps_.log.write(LogLevel::kDebug, LogLine("answer")
                                          .text("request", escaped(question.payload))
                                          .text("answer", escaped(given.frame))
                                          .text("reason", decision.reason));
  }
  return given;
}

Answer Answers::told_answer(const Question& question, const Decision& decision) {
  Answer given = answer(question, decision);
  if (given.is_deferral) log_deferral(kDeferred, question, decision, "the mail waits");
  if (given.is_by_dane && dane_decides_.take(steady_clock::now()))
    deps_.log.write(LogLevel::kInfo, LogLine("dane-decides")
                                         .field("domain", question.domain.text())
                                         .field("server", deps_.protocol.server(question))
                                         .field("by", "dane")
                                         .text("detail", decision.dane_reason));
  return given;
}

// Each request counts: an answer that is not enforced is never repeated from memory (good_for).
Answer Answers::observed(const Question& question, const Decision& decision, const Answer& enforced) {
  const bool demands = decision.kind == Decision::Kind::kPolicy && decision.mode == Mode::kEnforce;
  if (enforced.is_deferral)
    log_deferral(kObservedDefer, question, decision, "none: observing only");
  else if (demands && deps_.would_enforce)
    deps_.would_enforce(question, decision);
  return deps_.protocol.answer(question, only_observed(decision));
}

void Answers::log_deferral(std::string_view event, const Question& question, const Decision& decision,
                           std::string_view effect) {
  if (!deferrals_.take(steady_clock::now())) return;
  deps_.log.write(LogLevel::kInfo,
                  LogLine(event)
                      .field("domain", question.domain.text())
                      .field("server", deps_.protocol.server(question))
                      .text("reason", must_defer_for_dane(decision) ? decision.dane_reason : decision.reason)
                      .text("effect", effect));
}

const std::string* Answers::keep(std::string_view payload, Answer answer, seconds good_for) {
  deps_.metrics.answered_at_once(answer.label);
  once_ = answer.frame;
  if (good_for > seconds(0)) memory_.put(payload, std::move(answer), steady_clock::now() + good_for);
  return &once_;
}

// A second less than it is good for, because our clock has whole seconds: an expired policy is never applied (R22).
// The same words may come from a process of another container, whose delivery is reported for itself.
seconds Answers::good_for(const Question& question, const Outcome& outcome) const {
  const bool is_reported_by_delivery = deps_.reports != nullptr && !question.process.empty();
  if (deps_.observe || is_reported_by_delivery) return seconds(0);
  const WallTime now = deps_.clock();
  if (outcome.progress != Outcome::Progress::kSettled || outcome.entry.record.until <= now) return seconds(0);
  const auto change = next_change(outcome.entry, now);
  return change ? std::min(kRepeated, *change - now - seconds(1)) : kRepeated;
}

}  // namespace mtasts::server
