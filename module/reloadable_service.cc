#include "module/reloadable_service.h"

namespace mtasts {

bool ResolversFollowed::note(Log& log, const Result<void>& reopened) {
  const std::string fault = reopened ? "" : reopened.error().detail;
  if (std::exchange(fault_, fault) != fault && !reopened)
    log.write(LogLevel::kError, LogLine("resolvers-kept").text("detail", fault));
  return reopened.has_value();
}

}  // namespace mtasts
