// What is known of the Exim processes that ask: each has its own connections to follow, and its own time to wait.
#pragma once

#include <chrono>
#include <list>
#include <map>
#include <optional>
#include <string>

#include "adapters/exim/event.h"
#include "adapters/exim/wait_budget.h"
#include "core/time.h"
#include "module/server/peer.h"

namespace mtasts {

// At most kMax. For one more the peer that has most of them loses the one that has been silent for longest: whoever
// names a thousand processes pushes out none but their own. To be forgotten costs details in the log, or a deadline of
// its own, and no protection: a veto needs nothing but its event and the policy. One thread.
class Processes {
 public:
  static constexpr std::size_t kMax = 1000;
  // Numbers come again. After such a silence it is another process, and what the one before it has reported does not
  // count: Exim waits ten minutes for a host at most.
  static constexpr std::chrono::minutes kLongestSilence{15};

  // As for EventWatcher.
  Processes(EventWatcher::PolicyOf policy_of, Log& log, const EventWatcher::Report* report, LogBudget* lines)
      : policy_of_(std::move(policy_of)), log_(log), report_(report), lines_(lines) {}

  // `process`: its peer, a space, and whatever names it there. Valid until another one is asked for.
  EventWatcher& watcher(const std::string& process, SteadyTime now) { return of(process, now).watcher; }
  // How long a lookup of it that begins now may wait: all of them together for `total`, as it was for the first.
  std::chrono::milliseconds begin_lookup(const std::string& process, std::chrono::milliseconds total, SteadyTime now);
  // One that has begun; of a process that was forgotten meanwhile nothing is kept.
  void end_lookup(const std::string& process, SteadyTime now);

 private:
  struct Process {
    std::string name;
    EventWatcher watcher;
    SteadyTime last_heard;
    std::optional<WaitBudget> budget{};
  };
  using List = std::list<Process>;

  Process& of(const std::string& process, SteadyTime now);
  [[nodiscard]] Process begun(const std::string& process, SteadyTime now) const;
  void forget_one();

  EventWatcher::PolicyOf policy_of_;
  Log& log_;
  const EventWatcher::Report* report_;
  LogBudget* lines_;
  std::map<server::Peer, List> by_peer_;  // none is empty; whoever was heard of last is first
  std::map<std::string, List::iterator> by_name_;
};

}  // namespace mtasts
