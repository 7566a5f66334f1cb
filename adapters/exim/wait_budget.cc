#include "adapters/exim/wait_budget.h"

#include <algorithm>

namespace mtasts {
namespace {

constexpr int kIdleForOne = 10;  // this much time between lookups gives one back

}  // namespace

std::chrono::milliseconds WaitBudget::begin(SteadyTime now) {
  left_ = std::min(total_, left_ + (now - since_) / kIdleForOne);
  since_ = now;
  const auto least = std::min<SteadyTime::duration>(kLeast, total_);
  return std::chrono::ceil<std::chrono::milliseconds>(std::max(left_, least));
}

void WaitBudget::end(SteadyTime now) {
  left_ = std::max(left_ - (now - since_), SteadyTime::duration{0});
  since_ = now;
}

}  // namespace mtasts
