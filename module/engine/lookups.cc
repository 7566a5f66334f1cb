#include "module/engine/lookups.h"

#include <utility>

#include "core/dane.h"

namespace mtasts {

Outcome not_tried(const Domain& domain, Error error) {
  return {CacheEntry{domain, {}, {}, {}}, Outcome::Progress::kNotTried, true, std::move(error)};
}

Outcome outcome_without_network(PolicyStore& store, const Domain& domain, const Error& error, WallTime now) {
  auto stored = store.get(domain);
  if (!stored) return not_tried(domain, stored.error());
  if (!*stored) return not_tried(domain, error);
  go_by_last_dane(**stored, error.detail, now);
  if ((*stored)->policy_in_force(now) != nullptr) return {std::move(**stored), Outcome::Progress::kSettled, true};
  return {std::move(**stored), Outcome::Progress::kNotTried, true, error};
}

Outcome without_blaming_dns(Outcome outcome, std::string why) {
  if (outcome.progress != Outcome::Progress::kRecordPending) return outcome;
  outcome.progress = Outcome::Progress::kNotTried;
  outcome.fault = {ErrorCode::kNotTried, std::move(why)};
  return outcome;
}

}  // namespace mtasts
