#include "adapters/exim/processes.h"

#include <algorithm>

namespace mtasts {

std::chrono::milliseconds Processes::begin_lookup(const std::string& process, std::chrono::milliseconds total,
                                                  SteadyTime now) {
  auto& budget = of(process, now).budget;
  if (!budget) budget.emplace(total);
  return budget->begin(now);
}

void Processes::end_lookup(const std::string& process, SteadyTime now) {
  const auto found = by_name_.find(process);
  if (found != by_name_.end() && found->second->budget) found->second->budget->end(now);
}

Processes::Process Processes::begun(const std::string& process, SteadyTime now) const {
  return {process, EventWatcher(policy_of_, log_, report_, lines_), now};
}

Processes::Process& Processes::of(const std::string& process, SteadyTime now) {
  const server::Peer peer = process.substr(0, process.rfind(' '));
  if (const auto found = by_name_.find(process); found != by_name_.end()) {
    List& processes = by_peer_[peer];
    processes.splice(processes.begin(), processes, found->second);
    if (now - processes.front().last_heard > kLongestSilence) {
      processes.pop_front();
      processes.push_front(begun(process, now));
      found->second = processes.begin();
    }
    processes.front().last_heard = now;
    return processes.front();
  }
  if (by_name_.size() == kMax) forget_one();
  List& processes = by_peer_[peer];
  processes.push_front(begun(process, now));
  by_name_.emplace(process, processes.begin());
  return processes.front();
}

void Processes::forget_one() {
  const auto most = std::ranges::max_element(by_peer_, {}, [](const auto& peer) { return peer.second.size(); });
  by_name_.erase(most->second.back().name);
  most->second.pop_back();
  if (most->second.empty()) by_peer_.erase(most);
}

}  // namespace mtasts
