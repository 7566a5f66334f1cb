#include "module/tlsrpt/told_failures.h"

#include <limits>
#include <string_view>

#include "core/ascii.h"
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

}  // namespace

std::string ToldFailures::name_of(const TlsSession& failure) {
  return failure.message + ' ' + failure.domain.text() + ' ' + (failure.mx_host.empty() ? "-" : failure.mx_host) + ' ' +
         std::to_string(static_cast<int>(failure.result));
}

std::chrono::seconds ToldFailures::time_of(const TlsSession& failure) {
  return failure.mx_host.empty() ? std::chrono::seconds(kPolicy) : std::chrono::seconds(kHost);
}

// One that reaches further than any may is from before the clock was set back.
bool ToldFailures::is_told(const TlsSession& failure, WallTime now) const {
  const std::string name = name_of(failure);
  const std::string slot = 'm' + slot_of(name);
  const auto time = time_of(failure);
  const auto text = read_slot(directory_, slot, kMaxText);
  const auto until = text ? told_until(*text, name) : std::nullopt;
  if (until && now < *until && *until <= now + time) return true;
  write_slot(directory_, slot, name + ' ' + std::to_string((now + time).time_since_epoch().count()));
  return false;
}

}  // namespace mtasts
