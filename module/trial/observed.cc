#include "module/trial/observed.h"

#include <algorithm>

#include "module/store/delivery_events.h"

namespace mtasts {
namespace {

constexpr std::string_view kNoEffect = "none: observing only";

}  // namespace

void log_observed(Log& log, const Decision& decision, std::string_view server, const MxChoice::Findings& findings) {
  std::size_t refused = 0;
  for (const auto& [host, error] : findings.failures) {
    if (std::ranges::find(decision.dane_hosts, host) != decision.dane_hosts.end()) continue;
    ++refused;
    log.write(LogLevel::kWarning, LogLine(kObservedFailure)
                                      .field("domain", decision.domain)
                                      .field("server", server)
                                      .field("mx", host)
                                      .field("result", error_name(error.code))
                                      .text("detail", error.detail)
                                      .text("effect", kNoEffect));
  }
  if (refused == 0 || refused < findings.hosts) return;
  log.write(LogLevel::kWarning, LogLine(kObservedDefer)
                                    .field("domain", decision.domain)
                                    .field("server", server)
                                    .text("reason", "no MX host of " + decision.domain + " passes")
                                    .text("effect", kNoEffect));
}

}  // namespace mtasts
