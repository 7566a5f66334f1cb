#include <algorithm>

#include "adapters/cli/report/render.h"
#include "core/timestamp.h"

namespace mtasts::report {
namespace {

std::vector<NamedCounts> ranked(std::vector<NamedCounts> rows) {
  std::ranges::sort(rows, [](const NamedCounts& a, const NamedCounts& b) {
    if (a.counts.failed != b.counts.failed) return a.counts.failed > b.counts.failed;
    if (a.counts.successful != b.counts.successful) return a.counts.successful > b.counts.successful;
    return a.names < b.names;
  });
  return rows;
}

}  // namespace

std::string day_text(std::chrono::sys_days day) { return rfc3339(WallTime(day)).substr(0, 10); }

std::vector<NamedCounts> ranked_policies(const Summary& summary) {
  std::vector<NamedCounts> rows;
  for (const auto& [name, counts] : summary.policies) rows.push_back({{name.type, name.domain}, counts});
  return ranked(std::move(rows));
}

std::vector<NamedCounts> ranked_senders(const Summary& summary) {
  std::vector<NamedCounts> rows;
  for (const auto& [organization, counts] : summary.senders) rows.push_back({{organization}, counts});
  return ranked(std::move(rows));
}

std::vector<NamedCounts> ranked_failures(const Summary& summary) {
  std::vector<NamedCounts> rows;
  for (const auto& [type, sessions] : summary.failures) rows.push_back({{type}, {0, sessions}});
  return ranked(std::move(rows));
}

}  // namespace mtasts::report
