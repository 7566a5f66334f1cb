// A summary for people and for scripts.
#pragma once

#include <string>
#include <vector>

#include "adapters/cli/report/safe_text.h"
#include "adapters/cli/report/summary.h"

namespace mtasts::report {

struct TextStyle {
  bool colour = false;
  Charset charset = Charset::kAscii;
};

// Tables by day, policy, sender and type of failure, at most 80 columns wide; of a long table the first rows, and how
// many there are besides.
std::string to_table(const Summary& summary, const TextStyle& style);

// One line, ASCII only: every control character is escaped. Keys in this order: schema (1), reports, successful,
// failed, days, policies, senders, failures, refused, conflicts.
std::string to_json(const Summary& summary);

// A page of its own: no script, and nothing is loaded from elsewhere.
std::string to_html(const Summary& summary);
// The plot in it, sessions over time; "" without a report.
std::string to_svg(const Summary& summary);

// "2026-01-31".
std::string day_text(std::chrono::sys_days day);

// Most failures first, then most sessions, then by name.
struct NamedCounts {
  std::vector<std::string> names;
  Counts counts;
};
std::vector<NamedCounts> ranked_policies(const Summary& summary);  // names: type, domain
std::vector<NamedCounts> ranked_senders(const Summary& summary);
std::vector<NamedCounts> ranked_failures(const Summary& summary);  // counts.failed: sessions

}  // namespace mtasts::report
