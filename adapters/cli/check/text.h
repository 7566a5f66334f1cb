// A report on a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "adapters/cli/check/report.h"

namespace mtasts::check {

struct Terminal {
  bool colour = false;
  std::size_t width = 80;
};

// Sections, IMPACT and FIX. Ends with a line end; longer lines than the terminal's only where they are to be copied.
std::string to_text(const Report& report, const Terminal& terminal);

// One line for a list of many: status, domain, counts.
std::string summary_line(const Report& report, const Terminal& terminal);

}  // namespace mtasts::check
