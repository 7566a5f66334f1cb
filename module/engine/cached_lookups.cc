#include "module/engine/cached_lookups.h"

#include <utility>

namespace mtasts {

std::optional<Outcome> cached_outcome(FileStore& store, const Domain& domain, Lookup::Effort effort,
                                      const LookupRules& rules, WallTime now) {
  auto stored = store.use(domain);
  if (!stored) return not_tried(domain, stored.error());
  return Lookup(domain, std::move(*stored), effort, rules).start(now).answer;
}

void CachedLookups::lookup(const Domain& domain, Lookup::Effort effort, std::chrono::milliseconds deadline,
                           Answer answer) {
  if (auto cached = cached_outcome(deps_.store, domain, effort, rules_, deps_.clock()))
    return answer_soon(std::move(*cached), std::move(answer));
  deps_.lookups.lookup(domain, effort, deadline, std::move(answer));
}

void CachedLookups::answer_soon(Outcome outcome, Answer answer) {
  const std::uint64_t id = ++last_id_;
  const auto step = [this, id, outcome = std::move(outcome), answer = std::move(answer)] {
    soon_.erase(id);
    answer(outcome);  // which may destroy the object
  };
  soon_.emplace(id, deps_.loop.after(std::chrono::milliseconds(0), step));
}

}  // namespace mtasts
