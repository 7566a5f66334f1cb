// What a report shows a person: a row for each thing that was looked at, with the findings about it. For the terminal
// and for the page. Every text is escaped for a terminal already (core/result.h).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "adapters/cli/check/codes.h"
#include "adapters/cli/check/report.h"

namespace mtasts::check {

struct Row {
  enum class Mark { kOk, kNothing, kInfo, kUnknown, kWarning, kCritical };
  Mark mark = Mark::kOk;  // kNothing: it was not looked at, or is not there and need not be
  std::string label;
  std::string text;
  std::vector<const Finding*> findings{};  // of this section, about this row
};

std::string_view section_title(Section section);  // "POLICY HOST"
Row::Mark mark_of(Severity severity);
std::string_view mark_name(Row::Mark mark);   // "ok", "-", "info", "UNKNOWN", "WARNING", "CRITICAL"
Row::Mark status_mark(const Report& report);  // of all findings; kOk also where there is only information

// The findings are those of `report`.
std::vector<Row> rows(const Report& report, Section section);

// "2 critical, 1 warning", or "no findings".
std::string counted(const std::vector<Finding>& findings);

// A fix in two parts: what to do, and the line for a zone file that it ends with, or "".
struct Fix {
  std::string_view words;
  std::string_view line;
};
Fix split_fix(std::string_view fix);

// What there is to do, the most serious first.
std::vector<const Finding*> by_gravity(const std::vector<Finding>& findings);

std::string duration_text(std::chrono::seconds duration);  // "30 days", "1 hour"

}  // namespace mtasts::check
