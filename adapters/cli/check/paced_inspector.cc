#include "adapters/cli/check/paced_inspector.h"

#include <utility>

namespace mtasts::check {
namespace {

constexpr std::size_t kMaxKnownAddresses = 1000;  // those that are free are forgotten then

}  // namespace

void PacedInspector::policy_host(const Domain& domain, const std::string& address, PolicyHostDone done) {
  begin_in_turn(address,
                [this, domain, address, done = std::move(done)] { inspector_.policy_host(domain, address, done); });
}

void PacedInspector::mx_host(const Domain& host, const std::string& address, const std::vector<TlsaRecord>& tlsa,
                             MxHostDone done) {
  begin_in_turn(address,
                [this, host, address, tlsa, done = std::move(done)] { inspector_.mx_host(host, address, tlsa, done); });
}

void PacedInspector::begin_in_turn(const std::string& address, std::function<void()> look) {
  const SteadyTime now = clock_();
  if (free_at_.size() >= kMaxKnownAddresses)
    std::erase_if(free_at_, [now](const auto& known) { return known.second <= now; });
  SteadyTime& free_at = free_at_[address];
  const SteadyTime begin = std::max(now, free_at);
  free_at = begin + kLookInterval;
  if (begin == now) return look();
  const auto place = waiting_.emplace(waiting_.end());
  *place =
      loop_.after(std::chrono::ceil<std::chrono::milliseconds>(begin - now), [this, place, look = std::move(look)] {
        const auto ended = std::move(*place);
        waiting_.erase(place);
        look();
      });
}

}  // namespace mtasts::check
