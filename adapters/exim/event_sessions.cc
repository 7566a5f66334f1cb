#include "adapters/exim/event_sessions.h"

namespace mtasts {

EventWatcher& EventSessions::of(const std::string& process) {
  if (const auto found = by_process_.find(process); found != by_process_.end()) {
    sessions_.splice(sessions_.begin(), sessions_, found->second);
    return sessions_.front().watcher;
  }
  if (sessions_.size() == kMax) {
    by_process_.erase(sessions_.back().process);
    sessions_.pop_back();
  }
  sessions_.push_front({process, EventWatcher(policy_of_, log_)});
  by_process_.emplace(process, sessions_.begin());
  return sessions_.front().watcher;
}

}  // namespace mtasts
