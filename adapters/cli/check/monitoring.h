// What reports amount to, as one line of a monitoring plugin (Nagios, Icinga and others).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "adapters/cli/check/report.h"

namespace mtasts::check {

class Monitoring {
 public:
  void add(const Report& report);
  // "MTASTS STATUS - text | perfdata", without a line end.
  [[nodiscard]] std::string line() const;

 private:
  struct Domain {
    std::string name;
    Severity severity;
    std::string words;  // the codes of what is worse than information, or the impact
  };
  std::vector<Domain> domains_{};
  Severity worst_ = Severity::kInfo;
  std::size_t findings_ = 0;
  std::size_t critical_ = 0;
  std::size_t warning_ = 0;
  std::size_t unknown_ = 0;
  std::optional<long> certificate_days_{};  // the fewest of all certificates
};

}  // namespace mtasts::check
