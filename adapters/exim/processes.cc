#include "adapters/exim/processes.h"

namespace mtasts {

WaitBudget& Processes::budget(const std::string& process, std::chrono::milliseconds total) {
  auto& budget = of(process).budget;
  if (!budget) budget.emplace(total);
  return *budget;
}

Processes::Process& Processes::of(const std::string& process) {
  if (const auto found = by_name_.find(process); found != by_name_.end()) {
    processes_.splice(processes_.begin(), processes_, found->second);
    return processes_.front();
  }
  if (processes_.size() == kMax) {
    by_name_.erase(processes_.back().name);
    processes_.pop_back();
  }
  processes_.push_front({process, EventWatcher(policy_of_, log_, report_)});
  by_name_.emplace(process, processes_.begin());
  return processes_.front();
}

}  // namespace mtasts
