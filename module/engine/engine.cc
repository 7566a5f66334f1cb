#include "module/engine/engine.h"

#include <algorithm>
#include <utility>

#include "module/engine/dane_lookup.h"

namespace mtasts {
namespace {

using std::chrono::milliseconds;

// How often to look whether another process has finished.
constexpr milliseconds kFirstPause{10};
constexpr milliseconds kLongestPause{160};
// A process that holds the claim of a domain for longer has a slow policy host, or was stopped; one more may try then,
// so that nothing that stands still anywhere keeps a domain from being looked up.
constexpr milliseconds kClaimTimeout{10'000};
// How long a delivery waits for the record where a policy is in force.
constexpr milliseconds kRecordPatience{1000};
// How long a question for DANE may wait for its turn where there is a finding that has run out.
constexpr milliseconds kDaneTurn{500};

RecordResult record_result(const Result<DnsAnswer<std::string>>& answer) {
  if (!answer) return tl::unexpected(answer.error());
  return RecordAnswer{read_record(answer->records), answer->ttl};
}

void log_record(Log& log, const std::string& domain, const RecordResult& result) {
  if (!result) {
    log.write(LogLevel::kInfo, LogLine("record-lookup-failed")
                                   .field("domain", domain)
                                   .field("error", error_name(result.error().code))
                                   .text("detail", result.error().detail));
  } else if (result->finding.kind == RecordFinding::Kind::kInvalid) {
    log.write(LogLevel::kInfo,
              LogLine("record-invalid").field("domain", domain).text("detail", result->finding.reason));
  }
}

// A policy that can no longer be renewed is the administrator's business (R21); a domain that never had a usable one is
// its own. Of a domain whose record is gone or denied the hourly round warns once a day.
void log_failure(Log& log, const CacheEntry& entry, WallTime now) {
  const bool in_force = entry.policy_in_force(now) != nullptr;
  const bool warn = in_force && entry.record.state == RecordMemory::State::kFound;
  log.write(warn ? LogLevel::kWarning : LogLevel::kInfo,
            LogLine(in_force ? "refresh-failed" : "policy-fetch-failed")
                .field("domain", entry.domain.text())
                .field("error", error_name(entry.failure->reported().code))
                .text("detail", entry.failure->error.detail)
                .text("effect",
                      in_force ? "the cached policy stays in force until it expires" : "delivery as without MTA-STS"));
}

// The first one of a domain, or another than before.
void log_new_policy(Log& log, const CacheEntry& entry, const std::optional<StoredPolicy>& before) {
  if (!entry.policy || (before && before->body == entry.policy->body)) return;
  log.write(LogLevel::kInfo, LogLine(before ? "policy-changed" : "policy-found")
                                 .field("domain", entry.domain.text())
                                 .field("mode", mode_name(entry.policy->policy.mode))
                                 .field("max_age", std::to_string(entry.policy->policy.max_age.count()))
                                 .field("id", entry.policy->id));
}

void log_refresh_without_record(Log& log, const CacheEntry& entry) {
  log.write(
      LogLevel::kInfo,
      LogLine("refreshed-without-record")
          .field("domain", entry.domain.text())
          .text("detail", "the record is missing or could not be asked for; the policy file was fetched all the same"));
}

}  // namespace

Engine::Engine(EventLoop& loop, Resolver& resolver, Fetcher& fetcher, PolicyStore& store, Log& log, LookupRules rules,
               Clock clock, StallMeter::Clock steady_clock)
    : loop_(loop),
      resolver_(resolver),
      fetcher_(fetcher),
      store_(store),
      log_(log),
      rules_(rules),
      clock_(std::move(clock)),
      stalls_(loop, std::move(steady_clock)) {}

Engine::~Engine() = default;

void Engine::lookup(const Domain& domain, Lookup::Effort effort, milliseconds deadline, Answer answer) {
  const std::string& name = domain.text();
  auto& job = jobs_[name];
  if (!job) {
    job = std::make_unique<Job>(domain, Lookup(domain, std::nullopt, effort, rules_));
    job->claim_timeout = std::min(kClaimTimeout, deadline / 2);
    start_in(name, milliseconds(0));
  }
  (effort == Lookup::Effort::kRefresh ? job->for_refresh : job->for_delivery) = true;
  job->machine.join(effort);
  // Mail waits for it now: not behind refreshes.
  if (job->question != 0 && job->asked_as != priority_of(*job)) query_record(name);
  add_waiter(name, effort, deadline, std::move(answer));
}

void Engine::start_in(const std::string& domain, milliseconds delay) {
  jobs_.at(domain)->start = loop_.after(delay, [this, domain] { start(domain); });
}

// The claim comes before the look into the store: what another process saved before it gave the claim up is seen then.
// Without the claim, what is cached may still be enough.
void Engine::start(const std::string& domain) {
  Job& job = *jobs_.at(domain);
  job.claim = store_.claim(job.domain, PolicyStore::Slot::kFirst);
  if (!job.claim && job.waited >= job.claim_timeout) {
    job.claim = store_.claim(job.domain, PolicyStore::Slot::kSecond);
    job.has_second_slot = job.claim != nullptr;
  }
  auto stored = store_.get(job.domain);
  if (!stored) return give_up(domain, stored.error());
  if (job.for_refresh && job.for_delivery) answer_from_store(job, *stored);
  job.machine = Lookup(job.domain, std::move(*stored),
                       job.for_refresh ? Lookup::Effort::kRefresh : Lookup::Effort::kNormal, rules_);
  if (job.for_delivery) job.machine.join(Lookup::Effort::kNormal);
  Action action = job.machine.start(clock_());
  if (job.claim || std::holds_alternative<Finished>(action.next)) return perform(domain, std::move(action));
  job.pause = std::min(job.waited == milliseconds(0) ? kFirstPause : 2 * job.pause, kLongestPause);
  job.waited += job.pause;
  start_in(domain, job.pause);
}

// A delivery does not wait for the refresh that it shares a machine with.
void Engine::answer_from_store(Job& job, const std::optional<CacheEntry>& stored) {
  const auto cached = Lookup(job.domain, stored, Lookup::Effort::kNormal, rules_).start(clock_()).answer;
  if (!cached) return;
  job.for_delivery = false;
  answer(job, Whom::kDeliveries, *cached);
}

// What is cached cannot be read: nothing is looked up in its place, and nothing saved over it.
void Engine::give_up(const std::string& domain, const Error& fault) {
  Outcome outcome = jobs_.at(domain)->machine.so_far();
  outcome.progress = Outcome::Progress::kNotTried;
  outcome.fault = fault;
  answer(*jobs_.at(domain), Whom::kAll, outcome);
  end(domain);
}

// False: it could not be read, and the lookup has been given up.
bool Engine::merge_stored(const std::string& domain) {
  Job& job = *jobs_.at(domain);
  auto stored = store_.get(job.domain);
  if (stored)
    job.machine.merge_stored(std::move(*stored));
  else
    give_up(domain, stored.error());
  return stored.has_value();
}

// One timer a waiter: the deadline, or at once where the answer is there already. Who wants a refresh wants to know
// what came of it.
void Engine::add_waiter(const std::string& domain, Lookup::Effort effort, milliseconds deadline, Answer answer) {
  Job& job = *jobs_.at(domain);
  const bool is_answered = effort == Lookup::Effort::kNormal && job.machine.has_answer(clock_());
  auto waiter = std::make_shared<Waiter>(
      Waiter{std::move(answer), effort, deadline, job.claim == nullptr, StallMeter::Span(stalls_)});
  const std::weak_ptr<Waiter> weak = waiter;
  waiter->timer = loop_.after(is_answered ? milliseconds(0) : deadline, [this, domain, weak] {
    const auto due = weak.lock();
    const auto found = jobs_.find(domain);
    if (!due || found == jobs_.end()) return;
    Job& job = *found->second;
    std::erase(job.waiters, due);
    const Outcome outcome = outcome_at_deadline(job, *due);
    // Nobody waits for it here any more, and another process is at it.
    const bool needless = job.waiters.empty() && !job.claim && job.waited > milliseconds(0);
    if (needless) jobs_.erase(found);
    give(*due, outcome);
    if (needless && jobs_.empty() && idle_) idle_();
  });
  // Where nothing is kept the next one would not find what came of it either.
  if (effort == Lookup::Effort::kNormal && kRecordPatience < deadline && store_.keeps())
    waiter->early = loop_.after(kRecordPatience, [this, domain, weak] {
      if (const auto early = weak.lock()) answer_without_record(domain, *early);
    });
  job.waiters.push_back(std::move(waiter));
}

// A policy in force is not held up by what its record waits for: a process that has the claim, other domains'
// questions, a slow name server. The waiter stays, answered: the lookup goes on for as long as it would have, but no
// mail waits for it.
void Engine::answer_without_record(const std::string& domain, Waiter& waiter) {
  Job& job = *jobs_.at(domain);
  // Another process that has the claim waits for name servers as well, which is no fault of ours.
  const bool stood_still = waiter.span.stalled() > kRecordPatience / 2;
  const auto outcome = job.machine.without_record(clock_(), stood_still ? "this process was busy or stood still" : "");
  if (!outcome) return;
  const Answer answer = std::exchange(waiter.answer, nullptr);
  job.for_delivery = std::ranges::any_of(
      job.waiters, [](const auto& other) { return other->effort == Lookup::Effort::kNormal && other->answer; });
  answer(*outcome);
}

void Engine::give(Waiter& waiter, const Outcome& outcome) const {
  if (const Answer answer = std::exchange(waiter.answer, nullptr))
    answer(outcome);
  else if (late_)
    late_(outcome);
}

// A record that is missing at the deadline is a failure of DNS only where DNS had the time for it.
Outcome Engine::outcome_at_deadline(const Job& job, const Waiter& waiter) const {
  using Progress = Outcome::Progress;
  Outcome outcome = job.machine.so_far();
  const std::string why = why_late(job, waiter);
  if (why.empty()) return outcome;
  go_by_last_dane(outcome.entry, why, clock_());
  if (outcome.progress != Progress::kRecordPending) return outcome;
  outcome.progress = job.claim ? Progress::kNotTried : Progress::kNotAsked;
  if (job.claim)
    outcome.fault =
        Error{ErrorCode::kNotTried, "the record " + job.domain.record_name() + " was not asked for in time: " + why};
  return outcome;
}

// Why a waiter's time is over, by no fault of DNS. "": nothing like that.
std::string Engine::why_late(const Job& job, const Waiter& waiter) {
  if (!job.claim) return "another process is at it";  // nobody has been asked from here
  if (waiter.came_before_claim && job.waited > milliseconds(0)) return "another process was at it before";
  return waiter.span.stalled() > waiter.deadline / 2 ? "this process was busy or stood still" : "";
}

void Engine::perform(const std::string& domain, Action action) {
  if (action.save) {
    // The store has logged why it cannot be written; the lookup goes on without it. The lock is released: others would
    // find nothing stored. The dummy claim keeps add_waiter() from treating this job as waiting.
    if (!store_.put(*action.save)) jobs_.at(domain)->claim = std::make_unique<PolicyStore::Claim>();
  }
  if (action.answer) answer(*jobs_.at(domain), Whom::kDeliveries, *action.answer);
  if (const auto* fetch = std::get_if<FetchPolicy>(&action.next)) expect_deliveries(*jobs_.at(domain), fetch->id);
  if (std::holds_alternative<QueryRecord>(action.next)) return query_record(domain);
  if (std::holds_alternative<FetchPolicy>(action.next)) return fetch_policy(domain);
  if (std::holds_alternative<QueryDane>(action.next)) return query_dane(domain);
  end(domain);
}

// Whoever asks from now on waits for a policy that has changed (R18).
void Engine::expect_deliveries(Job& job, const std::string& id) {
  const auto policy = job.machine.so_far().entry.policy;
  const bool is_asked =
      std::ranges::any_of(job.waiters, [](const auto& one) { return one->effort == Lookup::Effort::kNormal; });
  if (is_asked && (!policy || policy->id != id)) job.for_delivery = true;
}

// Whoever wanted the refresh, or asked after the answer and has not got it yet, gets it now.
void Engine::end(const std::string& domain) {
  const auto job = std::move(jobs_.at(domain));
  jobs_.erase(domain);
  answer(*job, Whom::kAll, job->machine.so_far());
  if (jobs_.empty() && idle_) idle_();
}

void Engine::answer(Job& job, Whom whom, const Outcome& outcome) const {
  auto waiters = std::exchange(job.waiters, {});
  if (whom == Whom::kDeliveries) {
    const auto others = std::ranges::stable_partition(
        waiters, [](const auto& waiter) { return waiter->effort == Lookup::Effort::kNormal; });
    job.waiters.assign(others.begin(), others.end());
    waiters.erase(others.begin(), others.end());
  }
  for (const auto& waiter : waiters) {
    waiter->timer.reset();
    waiter->early.reset();
    give(*waiter, outcome);
  }
}

bool Engine::mail_waits(const Job& job) const { return job.for_delivery && !job.machine.has_answer(clock_()); }

Priority Engine::priority_of(const Job& job) const {
  if (!mail_waits(job)) return Priority::kOther;
  // One that is answered before its record leaves its place in mtastsd to the next: those must not take all places
  // here.
  return job.machine.without_record(clock_(), {}) ? Priority::kDane : Priority::kFirstContact;
}

void Engine::query_record(const std::string& domain) {
  Job& job = *jobs_.at(domain);
  job.question = ++questions_;
  job.asked_as = priority_of(job);
  resolver_.txt(job.domain.record_name(),
                [this, domain, question = job.question](const Result<DnsAnswer<std::string>>& answer) {
                  on_record(domain, question, record_result(answer));
                },
                {domain, job.asked_as});
}

// Of a record that was asked for twice the first answer counts, but a failure only of the question that was put last.
void Engine::on_record(const std::string& domain, std::uint64_t question, const RecordResult& result) {
  const auto found = jobs_.find(domain);
  if (found == jobs_.end() || found->second->question == 0 || (!result && found->second->question != question)) return;
  found->second->question = 0;
  log_record(log_, domain, result);
  if (merge_stored(domain)) perform(domain, jobs_.at(domain)->machine.on_record(result, clock_()));
}

void Engine::fetch_policy(const std::string& domain) {
  const Job& job = *jobs_.at(domain);
  resolver_.addresses(job.domain.policy_host(),
                      [this, domain](const Result<DnsAnswer<std::string>>& answer) { on_policy_host(domain, answer); },
                      {domain, priority_of(job)});
}

void Engine::on_policy_host(const std::string& domain, const Result<DnsAnswer<std::string>>& answer) {
  const Job& job = *jobs_.at(domain);
  const std::string host = job.domain.policy_host();
  if (!answer) {
    return on_fetch(domain, fail(answer.error().code,
                                 "the addresses of " + host + " cannot be looked up: " + answer.error().detail));
  }
  if (answer->records.empty()) return on_fetch(domain, fail(ErrorCode::kPolicyFetch, host + " has no address"));
  fetcher_.fetch(job.domain, answer->records, priority_of(job),
                 [this, domain](const Result<std::string>& body) { on_fetch(domain, body); });
}

void Engine::on_fetch(const std::string& domain, const FetchResult& result) {
  const WallTime now = clock_();
  if (!merge_stored(domain)) return;
  Job& job = *jobs_.at(domain);
  // Who has the second slot began after who has the first and stands still; that one comes to its end after all.
  const auto rival = job.has_second_slot ? Lookup::Rival::kOlder : Lookup::Rival::kNewer;
  const auto before = job.machine.so_far().entry.policy;
  Action action = job.machine.on_fetch(result, now, rival);
  if (!result && is_ours(result.error().code))
    log_.write(LogLevel::kInfo,
               LogLine("fetch-not-tried").field("domain", domain).text("detail", result.error().detail));
  if (action.save) log_new_policy(log_, *action.save, before);
  if (action.save && action.save->failure)
    log_failure(log_, *action.save, now);
  else if (action.save && action.save->record.state != RecordMemory::State::kFound)
    log_refresh_without_record(log_, *action.save);
  perform(domain, std::move(action));
}

void Engine::query_dane(const std::string& domain) {
  const Job& job = *jobs_.at(domain);
  Requester requester{domain, mail_waits(job) ? Priority::kDane : Priority::kOther};
  // The finding of before will do where other domains' questions are what this one waits for.
  if (outliving(job.machine.so_far().entry.dane, {}, clock_())) requester.turn_timeout = kDaneTurn;
  dane_lookup(loop_, resolver_, job.domain, requester, [this, domain](const DaneFinding& finding) {
    if (merge_stored(domain)) perform(domain, jobs_.at(domain)->machine.on_dane(finding, clock_()));
  });
}

}  // namespace mtasts
