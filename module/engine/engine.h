// Runs lookup machines (core/lookup) against the ports on one event loop. Equal lookups under way share one machine; of
// those in several processes one goes to the network, the others wait for what it caches (docs/adr/0005-claims.md).
#pragma once

#include <chrono>
#include <cstdint>
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
  // Called with what came of a lookup for each delivery that had been answered before its record.
  void on_late(Answer late) { late_ = std::move(late); }

 private:
  struct Waiter {
    Answer answer;  // empty once it is given
    Lookup::Effort effort;
    std::chrono::milliseconds deadline;
    bool came_before_claim;
    StallMeter::Span span;
    std::unique_ptr<EventLoop::Watch> timer{};
    std::unique_ptr<EventLoop::Watch> early{};
  };
  struct Job {
    Job(Domain name, Lookup lookup) : domain(std::move(name)), machine(std::move(lookup)) {}
    Domain domain;
    Lookup machine;
    bool for_delivery = false;  // of those who asked, somebody did for one
    bool for_refresh = false;
    std::uint64_t question = 0;  // for the record, the last one; 0: none is open
    Priority asked_as = Priority::kOther;
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
  [[nodiscard]] bool mail_waits(const Job& job) const;
  [[nodiscard]] Priority priority_of(const Job& job) const;
  void query_record(const std::string& domain);
  void fetch_policy(const std::string& domain);
  void on_record(const std::string& domain, std::uint64_t question, const RecordResult& result);
  void on_policy_host(const std::string& domain, const Result<DnsAnswer<std::string>>& answer);
  void on_fetch(const std::string& domain, const FetchResult& result);
  void query_dane(const std::string& domain);
  enum class Whom { kDeliveries, kAll };
  void answer(Job& job, Whom whom, const Outcome& outcome) const;
  void answer_from_store(Job& job, const std::optional<CacheEntry>& stored);
  void add_waiter(const std::string& domain, Lookup::Effort effort, std::chrono::milliseconds deadline, Answer answer);
  void answer_without_record(const std::string& domain, Waiter& waiter);
  static void expect_deliveries(Job& job, const std::string& id);
  void give(Waiter& waiter, const Outcome& outcome) const;
  [[nodiscard]] Outcome outcome_at_deadline(const Job& job, const Waiter& waiter) const;
  static std::string why_late(const Job& job, const Waiter& waiter);

  EventLoop& loop_;
  Resolver& resolver_;
  Fetcher& fetcher_;
  PolicyStore& store_;
  Log& log_;
  LookupRules rules_;
  Clock clock_;
  StallMeter stalls_;
  std::uint64_t questions_ = 0;  // for records
  std::function<void()> idle_;
  Answer late_;
  std::map<std::string, std::unique_ptr<Job>> jobs_;
};

}  // namespace mtasts
