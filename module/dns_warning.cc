#include "module/dns_warning.h"

namespace mtasts {

void warn_of_dns_failure(FileStore& store, Log& log, const Outcome& outcome) {
  if (outcome.entry.record.state != RecordMemory::State::kFailed || !store.due("dns-failure", std::chrono::minutes(1)))
    return;
  log.write(LogLevel::kWarning,
            "event=dns-failure domain=" + outcome.entry.domain.text() +
                " detail=" + log_quoted(outcome.entry.record.detail) +
                " action=\"check the resolver; see on_dns_failure for what happens to mail meanwhile\"");
}

}  // namespace mtasts
