// A report for programs.
#pragma once

#include <string>

#include "adapters/cli/check/report.h"

namespace mtasts::check {

// One line, schema 1 (docs/check.md), in ASCII. Without a line end.
std::string to_json(const Report& report);

}  // namespace mtasts::check
