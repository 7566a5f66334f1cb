#include "module/server/descriptors.h"

#include <sys/resource.h>

#include <algorithm>
#include <string>

namespace mtasts::server {
namespace {

// Not for clients: files of the store, sockets of lookups and fetches, metrics. Of a low limit one half.
constexpr rlim_t kReserve = 1024;

rlim_t limit_for(rlim_t wanted) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  if (limit.rlim_cur >= wanted) return limit.rlim_cur;
  const rlimit raised{std::min(wanted, limit.rlim_max), limit.rlim_max};
  return ::setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur;
}

}  // namespace

std::size_t connections_possible(std::size_t wanted, Log& log) {
  const rlim_t limit = limit_for(wanted + kReserve);
  const rlim_t room = std::max<rlim_t>(limit - std::min(kReserve, limit / 2), 1);
  if (room >= wanted) return wanted;
  log.write(LogLevel::kWarning, LogLine("few-descriptors")
                                    .field("limit", limit)
                                    .field("wanted", wanted + kReserve)
                                    .text("effect", "at most " + std::to_string(room) + " clients at a time")
                                    .text("action", "raise LimitNOFILE or lower socketmap.max_connections"));
  return room;
}

}  // namespace mtasts::server
