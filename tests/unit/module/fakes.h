// Scripted ports for tests of the engine: a loop whose time is a number, a resolver and a fetcher that answer when
// told, and a store in memory.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/ports.h"
#include "tests/unit/module/fake_log.h"

namespace mtasts {

class FakeLoop : public EventLoop {
 public:
  std::unique_ptr<Watch> watch(int, unsigned, std::function<void(unsigned)>) override { return nullptr; }
  std::unique_ptr<Watch> after(std::chrono::milliseconds delay, std::function<void()> due) override {
    auto timer = std::make_shared<std::function<void()>>(std::move(due));
    timers_.emplace(now_ + delay, timer);
    return std::make_unique<Timer>(std::move(timer));
  }
  // Runs everything that is due within `span`.
  void advance(std::chrono::milliseconds span) {
    const auto end = now_ + span;
    while (!timers_.empty() && timers_.begin()->first <= end) {
      now_ = timers_.begin()->first;
      const auto due = timers_.begin()->second.lock();
      timers_.erase(timers_.begin());
      if (!due) continue;
      ++timers_run_;
      (*due)();
    }
    now_ = end;
  }
  [[nodiscard]] std::size_t timers_run() const { return timers_run_; }
  void run() override { advance(std::chrono::hours(1)); }
  void stop() override {}

 private:
  struct Timer : Watch {
    explicit Timer(std::shared_ptr<std::function<void()>> f) : function(std::move(f)) {}
    std::shared_ptr<std::function<void()>> function;
  };
  std::chrono::milliseconds now_{0};
  std::size_t timers_run_ = 0;
  std::multimap<std::chrono::milliseconds, std::weak_ptr<std::function<void()>>> timers_;
};

class FakeResolver : public Resolver {
 public:
  void txt(const std::string& name, Callback<std::string> done, const Requester& requester) override {
    txts.emplace_back(name, std::move(done));
    requesters.push_back(requester);
  }
  void mx(const std::string& name, Callback<MxRecord> done, const Requester& requester) override {
    mxs.emplace_back(name, std::move(done));
    requesters.push_back(requester);
  }
  void addresses(const std::string& name, Callback<std::string> done, const Requester& requester) override {
    hosts.emplace_back(name, std::move(done));
    requesters.push_back(requester);
  }
  void tlsa(const std::string&, Callback<TlsaRecord>, const Requester&) override {}
  void cname(const std::string&, Callback<std::string>, const Requester&) override {}
  void ns(const std::string&, Callback<std::string>, const Requester&) override {}

  static DnsAnswer<std::string> found(std::vector<std::string> records) {
    return {DnsAnswer<std::string>::Kind::kFound, std::move(records), std::chrono::seconds(300), false};
  }
  std::vector<std::pair<std::string, Callback<std::string>>> txts;
  std::vector<std::pair<std::string, Callback<MxRecord>>> mxs;
  std::vector<std::pair<std::string, Callback<std::string>>> hosts;
  std::vector<Requester> requesters;  // of all of them, in order
};

class FakeFetcher : public Fetcher {
 public:
  void fetch(const Domain& domain, const std::vector<std::string>& addresses, Priority priority,
             Callback done) override {
    fetches.push_back({domain.text(), addresses, priority, std::move(done)});
  }
  struct Fetch {
    std::string domain;
    std::vector<std::string> addresses;
    Priority priority;
    Callback done;
  };
  std::vector<Fetch> fetches;
};

class FakeStore : public PolicyStore {
 public:
  Result<std::optional<CacheEntry>> get(const Domain& domain) override {
    if (unreadable) return fail(ErrorCode::kLocalFault, "what is cached cannot be read: Permission denied");
    const auto found = entries.find(domain.text());
    if (found == entries.end()) return std::nullopt;
    return found->second;
  }
  Result<void> put(const CacheEntry& entry) override {
    if (full) return fail(ErrorCode::kStoreUnavailable, "disk full");
    entries.insert_or_assign(entry.domain.text(), entry);
    return {};
  }
  [[nodiscard]] bool keeps() const override { return !keeps_nothing; }
  std::unique_ptr<Claim> claim(const Domain&, Slot slot) override {
    if (slot == Slot::kFirst ? taken_by_another : second_taken_too) return nullptr;
    return std::make_unique<CountedClaim>(claims_held);
  }
  std::map<std::string, CacheEntry> entries;
  bool full = false;
  bool unreadable = false;
  bool keeps_nothing = false;
  bool taken_by_another = false;
  bool second_taken_too = false;
  int claims_held = 0;

 private:
  struct CountedClaim : Claim {
    explicit CountedClaim(int& held) : held_(held) { ++held_; }
    CountedClaim(const CountedClaim&) = delete;
    CountedClaim& operator=(const CountedClaim&) = delete;
    ~CountedClaim() override { --held_; }
    int& held_;
  };
};

}  // namespace mtasts
