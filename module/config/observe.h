// Observe mode: mail servers for which nothing is enforced, only watched (docs/adr/0020-observe-mode.md). It is never
// on silently.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "module/config/config.h"

namespace mtasts {

struct Observing {
  std::string_view section;  // of mtasts.toml: "exim", "opensmtpd" or "socketmap"
  std::string note;          // a sentence for people
};

// Those that only observe.
std::vector<Observing> observing(const Config& config);

// The line of the log, for whoever serves these sections: at the start, and when the configuration is read again.
void warn_of_observing(Log& log, const Config& config, std::initializer_list<std::string_view> sections);

}  // namespace mtasts
