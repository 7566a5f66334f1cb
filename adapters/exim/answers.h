// What this process was told about the last few domains: Exim asks once a recipient, and a hundred recipients of one
// domain should cost one look at the store, or one child, not a hundred.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <string>
#include <string_view>

#include "core/decision.h"
#include "core/time.h"

namespace mtasts {

// One thread. After a fork both processes go on with what was known before.
class AnswerMemory {
 public:
  static constexpr std::chrono::seconds kFresh{10};
  static constexpr std::size_t kMax = 32;  // domains; the oldest is forgotten

  // The answer for `next_hop` (in the host's words) if it is younger than kFresh, and its policy has not expired at
  // `clock` (R22); else nullptr.
  [[nodiscard]] const Decision* fresh(std::string_view next_hop, SteadyTime now, WallTime clock) const;
  // The answer of any age: for what happens later to a message that was routed by it.
  [[nodiscard]] const Decision* any(std::string_view next_hop) const;
  const Decision& put(std::string_view next_hop, Decision decision, SteadyTime now);

 private:
  struct Answer {
    std::string next_hop;
    Decision decision;
    SteadyTime since;
  };
  [[nodiscard]] const Answer* find(std::string_view next_hop) const;

  std::deque<Answer> answers_;
};

}  // namespace mtasts
