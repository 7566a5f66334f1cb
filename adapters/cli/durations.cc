#include "adapters/cli/durations.h"

#include "core/timestamp.h"

namespace mtasts::cli {
namespace {

std::string counted(std::chrono::seconds::rep number, const char* unit) {
  return std::to_string(number) + " " + unit + (number == 1 ? "" : "s");
}

}  // namespace

std::string duration_text(std::chrono::seconds span) {
  using namespace std::chrono_literals;
  if (span < 2min) return counted(span.count(), "second");
  if (span < 2h) return counted(span / 1min, "minute");
  if (span < 48h) return counted(span / 1h, "hour");
  return counted(span / 24h, "day");
}

std::string relative_text(WallTime time, WallTime now) {
  if (time == now) return "now";
  return time > now ? "in " + duration_text(time - now) : duration_text(now - time) + " ago";
}

std::string time_text(WallTime time, WallTime now) { return rfc3339(time) + " (" + relative_text(time, now) + ")"; }

}  // namespace mtasts::cli
