// The events of many Exim processes at once: each process has a watcher of its own, which follows its connections.
#pragma once

#include <list>
#include <map>
#include <string>

#include "adapters/exim/event.h"

namespace mtasts {

// Of at most kMax processes; the one that has been silent for longest is forgotten, which costs details in the log and
// no protection: a veto needs nothing but its own event. One thread.
class EventSessions {
 public:
  static constexpr std::size_t kMax = 1000;

  // As for EventWatcher.
  EventSessions(EventWatcher::PolicyOf policy_of, Log& log) : policy_of_(std::move(policy_of)), log_(log) {}

  // `process`: any text that names one. Valid until the next call.
  EventWatcher& of(const std::string& process);

 private:
  struct Session {
    std::string process;
    EventWatcher watcher;
  };
  using Sessions = std::list<Session>;

  EventWatcher::PolicyOf policy_of_;
  Log& log_;
  Sessions sessions_;  // whoever was heard of last is first
  std::map<std::string, Sessions::iterator> by_process_;
};

}  // namespace mtasts
