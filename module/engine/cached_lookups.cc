#include "module/engine/cached_lookups.h"

#include <utility>

namespace mtasts {

Result<CachedAnswer> answer_from_cache(FileStore& store, const Domain& domain, Lookup::Effort effort,
                                       const LookupRules& rules, WallTime now) {
  return store.use(domain).map([&](std::optional<CacheEntry> entry) {
    auto outcome = Lookup(domain, entry, effort, rules).start(now).answer;
    return CachedAnswer{std::move(entry), std::move(outcome)};
  });
}

void CachedLookups::lookup(const Domain& domain, Lookup::Effort effort, std::chrono::milliseconds deadline,
                           Answer answer) {
  const WallTime now = deps_.clock();
  auto cached = answer_from_cache(deps_.store, domain, effort, rules_, now);
  if (!cached)
    return answer_soon(outcome_without_network(domain, std::nullopt, cached.error(), now), std::move(answer));
  if (cached->outcome) return answer_soon(std::move(*cached->outcome), std::move(answer));
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
