#include "module/tlsrpt/told_failures.h"

#include <limits>
#include <string_view>

#include "core/ascii.h"
#include "core/fnv1a.h"
#include "module/store/files.h"
#include "module/store/range_lock.h"
#include "module/tlsrpt/slots.h"

namespace mtasts {
namespace {

constexpr std::size_t kMaxText = 1024;

// nullopt: another one has the slot.
std::optional<WallTime> told_until(std::string_view text, std::string_view name) {
  if (!text.starts_with(name) || text.substr(name.size(), 1) != " ") return std::nullopt;
  const auto until = ascii::number(text.substr(name.size() + 1), std::numeric_limits<std::int64_t>::max());
  return until ? std::optional(from_epoch(*until)) : std::nullopt;
}

// What is told for ten minutes does not push out what is told for a week.
std::string place_of(const TlsSession& failure) {
  return (failure.mx_host.empty() ? 'p' : 'm') + slot_of(ToldFailures::name_of(failure));
}

}  // namespace

std::string ToldFailures::name_of(const TlsSession& failure) {
  return failure.message + ' ' + failure.domain.text() + ' ' + (failure.mx_host.empty() ? "-" : failure.mx_host) + ' ' +
         std::to_string(static_cast<int>(failure.result));
}

std::chrono::seconds ToldFailures::time_of(const TlsSession& failure) {
  return failure.mx_host.empty() ? std::chrono::seconds(kPolicy) : std::chrono::seconds(kHost);
}

void ToldFailures::forget(const TlsSession& failure) const { write_slot(directory_, place_of(failure), ""); }

// Where there are locks one process at a time, or two that ask at once would both tell it. Nobody waits: whoever has
// the lock tells this very failure. One that reaches further than any may is from before the clock was set back.
bool ToldFailures::is_told(const TlsSession& failure, WallTime now) const {
  const std::string name = name_of(failure);
  const std::string slot = place_of(failure);
  const auto time = time_of(failure);
  const Descriptor locks = open_lock_file(directory_, ".told");
  std::optional<RangeLock> lock;
  if (locks) lock.emplace(locks.get(), static_cast<off_t>(fnv1a_64(name) >> 2U), 1);
  if (lock && lock->state() == RangeLock::State::kTaken) return true;
  const auto text = read_slot(directory_, slot, kMaxText);
  const auto until = text ? told_until(*text, name) : std::nullopt;
  if (until && now < *until && *until <= now + time) return true;
  write_slot(directory_, slot, name + ' ' + std::to_string((now + time).time_since_epoch().count()));
  return false;
}

}  // namespace mtasts
