// Runs lookup machines (core/lookup) against the ports on one event loop. Equal lookups under way share one machine; of
// those in several processes one goes to the network, the others wait for what it remembers (docs/adr/0005-claims.md).
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/lookup.h"
#include "core/ports.h"
#include "core/stall_meter.h"
#include "module/engine/lookups.h"
#include "module/io/log.h"

namespace mtasts {

// Everything passed to the constructor must outlive the engine; once it is destroyed the loop must not run any more.
// One thread.
class Engine final : public Lookups {
 public:
  using Clock = std::function<WallTime()>;

  Engine(EventLoop& loop, Resolver& resolver, Fetcher& fetcher, PolicyStore& store, Log& log, LookupRules rules,
         Clock clock, StallMeter::Clock steady_clock = &std::chrono::steady_clock::now);
  ~Engine() override;

  void lookup(const Domain& domain, Lookup::Effort effort, std::chrono::milliseconds deadline, Answer answer) override;

  [[nodiscard]] bool is_idle() const { return jobs_.empty(); }
  // Called each time that no lookup is under way any more.
  void on_idle(std::function<void()> idle) { idle_ = std::move(idle); }

 private:
  struct Waiter {
    Answer answer;
    std::chrono::milliseconds deadline;
    bool came_before_claim;
    StallMeter::Span span;
    std::unique_ptr<EventLoop::Watch> timer{};
  };
  struct Job {
    Job(Domain name, Lookup::Effort how, Lookup lookup)
        : domain(std::move(name)), effort(how), machine(std::move(lookup)) {}
    Domain domain;
    Lookup::Effort effort;
    Lookup machine;
    bool answered = false;  // the machine has given its answer; it may go on
    std::vector<std::shared_ptr<Waiter>> waiters;
    std::unique_ptr<EventLoop::Watch> start;  // of the machine: soon, or again while another process has the claim
    std::unique_ptr<PolicyStore::Claim> claim;
    bool has_second_slot = false;
    std::chrono::milliseconds waited{0};      // for the claim
    std::chrono::milliseconds claim_timeout;  // with whoever has it
    std::chrono::milliseconds pause;          // before the next try
  };

  void start_in(const std::string& domain, std::chrono::milliseconds delay);
  void start(const std::string& domain);
  void give_up(const std::string& domain, const Error& fault);
  bool merge_stored(const std::string& domain);
  void perform(const std::string& domain, Action action);
  void end(const std::string& domain);
  [[nodiscard]] Priority priority_of(const Job& job) const;
  void query_record(const std::string& domain);
  void fetch_policy(const std::string& domain);
  void on_record(const std::string& domain, const RecordResult& result);
  void on_policy_host(const std::string& domain, const Result<DnsAnswer<std::string>>& answer);
  void on_fetch(const std::string& domain, const FetchResult& result);
  void query_dane(const std::string& domain);
  [[nodiscard]] bool has_answer(const Job& job) const;
  void answer_all(Job& job, const Outcome& outcome);
  void add_waiter(const std::string& domain, std::chrono::milliseconds deadline, Answer answer);
  [[nodiscard]] static Outcome outcome_at_deadline(const Job& job, const Waiter& waiter);

  EventLoop& loop_;
  Resolver& resolver_;
  Fetcher& fetcher_;
  PolicyStore& store_;
  Log& log_;
  LookupRules rules_;
  Clock clock_;
  StallMeter stalls_;
  std::function<void()> idle_;
  std::map<std::string, std::unique_ptr<Job>> jobs_;
};

}  // namespace mtasts
