// A round through the store: policies are fetched again ahead of their expiry, the last used first, and what is of no
// use any more is dropped (R21, core/sweep.h). Rounds of several processes on one store do no harm, only double work.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/sweep.h"
#include "module/engine/lookups.h"
#include "module/store/policy_store.h"

namespace mtasts {

struct SweepSummary {
  struct Failure {
    Domain domain;
    std::string why;
  };
  std::size_t domains = 0;   // of which the store knows anything
  std::size_t in_force = 0;  // policies
  std::size_t due = 0;       // of those, to be fetched again
  std::size_t refreshed = 0;
  std::size_t forgotten = 0;
  std::size_t damaged = 0;         // entries, looked up again
  std::size_t without_record = 0;  // of the domains named, which is no failure: there is nothing to refresh
  std::optional<Error> unread;     // the round has not seen everything
  std::vector<Failure> failures;   // what the administrator should hear of; in a round, of one domain once a day
};

// "refreshed 3 of 4 policies due, 120 in force, 2 forgotten", and ", 1 damaged entry looked up again" if there was one.
std::string summary_line(const SweepSummary& summary);

// Everything passed to the constructor must outlive the round, and the round its end. The loop is never held for longer
// than a few files take to read.
class Sweep {
 public:
  struct Deps {
    EventLoop& loop;
    Lookups& lookups;
    FileStore& store;
    std::function<WallTime()> clock;
    // How many of the lookups that the round makes are answered: at first, and after each.
    std::function<void(std::size_t answered, std::size_t all)> progress{};
  };
  using Done = std::function<void(const SweepSummary&)>;

  // `lookup_timeout`: how long one lookup may take. `at_once`: how many are under way at the same time.
  Sweep(Deps deps, const SweepRules& rules, std::chrono::milliseconds lookup_timeout, unsigned at_once = 20);

  // One of the two, once. `done` is called from the loop; it may destroy the round.
  void run(Done done);
  // Fetches these again, due or not.
  void refresh(std::vector<Domain> domains, Done done);

 private:
  struct Candidate {
    Domain domain;
    WallTime used;
    bool damaged = false;
  };
  void remove_old_stamps();
  void look_through(unsigned shard);
  void go_on();
  void look_at(const CacheEntry& entry, WallTime used);
  void look_at_damaged(const Domain& domain, WallTime used);
  [[nodiscard]] bool may_go(const CacheEntry& entry, WallTime used) const;
  using StillUseless = std::function<bool(const std::optional<CacheEntry>&)>;
  void forget(const Domain& domain, const StillUseless& still_useless);
  void begin_refreshing();
  void refresh_next();
  void refreshed(const Candidate& candidate, WallTime begin, const Outcome& outcome);
  void tell(const Domain& domain, std::string why);
  void later(std::function<void()> step);

  Deps deps_;
  SweepRules rules_;
  std::chrono::milliseconds lookup_timeout_;
  unsigned at_once_;
  Done done_;
  SweepSummary summary_;
  std::vector<std::string> stamps_;  // that were not looked at yet
  FileStore::Part part_{};           // of the store, that is being looked through
  std::vector<Candidate> waiting_;   // the next one last
  unsigned under_way_ = 0;
  bool clock_is_steady_ = false;
  bool asked_by_name_ = false;
  std::unique_ptr<EventLoop::Watch> step_;
};

}  // namespace mtasts
