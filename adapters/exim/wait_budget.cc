#include "adapters/exim/wait_budget.h"

#include <algorithm>

namespace mtasts {
namespace {

constexpr int kIdleForOne = 10;  // this much time between lookups gives one back

}  // namespace

std::chrono::milliseconds WaitBudget::begin(Clock::time_point now) {
  left_ = std::min(total_, left_ + (now - since_) / kIdleForOne);
  since_ = now;
  const auto least = std::min<Clock::duration>(kLeast, total_);
  return std::chrono::ceil<std::chrono::milliseconds>(std::max(left_, least));
}

void WaitBudget::end(Clock::time_point now) {
  left_ = std::max(left_ - (now - since_), Clock::duration{0});
  since_ = now;
}

}  // namespace mtasts
