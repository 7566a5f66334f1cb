// What is known of the Exim processes that ask: each has its own connections to follow, and its own time to wait.
#pragma once

#include <chrono>
#include <list>
#include <map>
#include <optional>
#include <string>

#include "adapters/exim/event.h"
#include "adapters/exim/wait_budget.h"

namespace mtasts {

// At most kMax; the one that has been silent for longest is forgotten. That costs details in the log, or a deadline of
// its own, and no protection: a veto needs nothing but its event and the policy. One thread.
class Processes {
 public:
  static constexpr std::size_t kMax = 1000;

  // As for EventWatcher.
  Processes(EventWatcher::PolicyOf policy_of, Log& log, const EventWatcher::Report* report)
      : policy_of_(std::move(policy_of)), log_(log), report_(report) {}

  // `process`: any text that names one. Valid until another one is asked for.
  EventWatcher& watcher(const std::string& process) { return of(process).watcher; }
  // A budget of `total`, unless it has one already.
  WaitBudget& budget(const std::string& process, std::chrono::milliseconds total);

 private:
  struct Process {
    std::string name;
    EventWatcher watcher;
    std::optional<WaitBudget> budget{};
  };
  using List = std::list<Process>;

  Process& of(const std::string& process);

  EventWatcher::PolicyOf policy_of_;
  Log& log_;
  const EventWatcher::Report* report_;
  List processes_;  // whoever was heard of last is first
  std::map<std::string, List::iterator> by_name_;
};

}  // namespace mtasts
