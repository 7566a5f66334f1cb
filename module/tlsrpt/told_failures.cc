#include "module/tlsrpt/told_failures.h"

#include <array>
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

struct Kept {
  std::string name;
  WallTime until;
};

// nullopt: nothing, or nothing that counts at this time. One that reaches further than any may is from before the clock
// was set back.
std::optional<Kept> kept_in(const std::string& directory, const std::string& slot, WallTime now) {
  const auto text = read_slot(directory, slot, kMaxText);
  const std::size_t blank = text ? text->rfind(' ') : std::string::npos;
  if (blank == std::string::npos) return std::nullopt;
  const auto until = ascii::number(std::string_view(*text).substr(blank + 1), std::numeric_limits<std::int64_t>::max());
  if (!until || from_epoch(*until) <= now || from_epoch(*until) > now + ToldFailures::kHost) return std::nullopt;
  return Kept{text->substr(0, blank), from_epoch(*until)};
}

// Two, of which the second is for one that finds the first taken. What is told for ten minutes does not push out what
// is told for a week.
std::array<std::string, 2> places_of(const TlsSession& failure) {
  const std::string name = ToldFailures::name_of(failure);
  const char kind = failure.mx_host.empty() ? 'p' : 'm';
  return {kind + slot_of(name, 0), kind + slot_of(name, 2)};
}

}  // namespace

std::string ToldFailures::name_of(const TlsSession& failure) {
  return failure.message + ' ' + failure.domain.text() + ' ' + (failure.mx_host.empty() ? "-" : failure.mx_host) + ' ' +
         std::to_string(static_cast<int>(failure.result));
}

std::chrono::seconds ToldFailures::time_of(const TlsSession& failure) {
  return failure.mx_host.empty() ? std::chrono::seconds(kPolicy) : std::chrono::seconds(kHost);
}

void ToldFailures::forget(const TlsSession& failure) const {
  const std::string name = name_of(failure);
  for (const auto& place : places_of(failure)) {
    const auto text = read_slot(directory_, place, kMaxText);
    if (text && text->starts_with(name + ' ')) write_slot(directory_, place, "");
  }
}

// Where there are locks one process at a time, or two that ask at once would both tell it. Nobody waits: whoever has
// the lock tells this very failure.
bool ToldFailures::is_told(const TlsSession& failure, WallTime now) const {
  const std::string name = name_of(failure);
  const auto time = time_of(failure);
  const Descriptor locks = open_lock_file(directory_, ".told");
  std::optional<RangeLock> lock;
  if (locks) lock.emplace(locks.get(), static_cast<off_t>(fnv1a_64(name) >> 2U), 1);
  if (lock && lock->state() == RangeLock::State::kTaken) return true;
  const auto places = places_of(failure);
  std::array<WallTime, places.size()> taken_until{};
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto kept = kept_in(directory_, places.at(i), now);
    if (kept && kept->name == name && kept->until <= now + time) return true;
    if (kept && kept->name != name) taken_until.at(i) = kept->until;
  }
  const std::string& place = places.at(taken_until[1] < taken_until[0] ? 1 : 0);
  write_slot(directory_, place, name + ' ' + std::to_string((now + time).time_since_epoch().count()));
  return false;
}

}  // namespace mtasts
