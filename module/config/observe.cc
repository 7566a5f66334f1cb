#include "module/config/observe.h"

#include <algorithm>

namespace mtasts {

std::vector<Observing> observing(const Config& config) {
  std::vector<Observing> all;
  const auto add = [&](std::string_view section, const char* servers, bool observes) {
    if (observes)
      all.push_back({section, std::string(servers) + ": observing only: nothing is enforced; set " +
                                  std::string(section) + ".observe = false to enforce policies"});
  };
  add("exim", "Exim", config.exim.observe);
  add("opensmtpd", "OpenSMTPD", config.opensmtpd.observe);
  add("socketmap", "Postfix and Sendmail", config.socketmap.observe);
  return all;
}

void warn_of_observing(Log& log, const Config& config, std::initializer_list<std::string_view> sections) {
  for (const Observing& one : observing(config)) {
    if (std::ranges::find(sections, one.section) == sections.end()) continue;
    log.write(LogLevel::kWarning, LogLine("observing").field("section", one.section).text("detail", one.note));
  }
}

}  // namespace mtasts
