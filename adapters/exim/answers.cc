#include "adapters/exim/answers.h"

#include <algorithm>
#include <utility>

namespace mtasts {

const AnswerMemory::Answer* AnswerMemory::find(std::string_view next_hop) const {
  const auto same = [&](const Answer& answer) { return answer.next_hop == next_hop; };
  const auto found = std::find_if(answers_.begin(), answers_.end(), same);
  return found == answers_.end() ? nullptr : &*found;
}

const Decision* AnswerMemory::fresh(std::string_view next_hop, SteadyTime now, WallTime clock) const {
  const Answer* answer = find(next_hop);
  if (answer == nullptr || now - answer->since >= kFresh) return nullptr;
  const auto& expires = answer->decision.expires;
  return expires && clock >= *expires ? nullptr : &answer->decision;
}

const Decision* AnswerMemory::any(std::string_view next_hop) const {
  const Answer* answer = find(next_hop);
  return answer != nullptr ? &answer->decision : nullptr;
}

const Decision& AnswerMemory::put(std::string_view next_hop, Decision decision, SteadyTime now) {
  std::erase_if(answers_, [&](const Answer& answer) { return answer.next_hop == next_hop; });
  if (answers_.size() == kMax) answers_.pop_front();
  answers_.push_back({std::string(next_hop), std::move(decision), now});
  return answers_.back().decision;
}

}  // namespace mtasts
