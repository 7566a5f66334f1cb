// Any JSON: a report with bounded contents, or a reason that can be shown.
#include "adapters/cli/report/tls_report.h"
#include "core/utf8.h"
#include "tests/fuzz/fuzz.h"

using mtasts::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto report = mtasts::report::parse_tls_report(mtasts::fuzz::text(data, size));
  if (!report) {
    require(mtasts::fuzz::is_one_line(report.error().reason), "a reason is one line");
    return 0;
  }
  require(report->organization.size() <= 1000 && report->id.size() <= 1000, "texts are bounded");
  require(mtasts::is_utf8(report->organization) && mtasts::is_utf8(report->id), "texts are UTF-8");
  require(report->start <= report->end, "a report ends after it begins");
  require(report->start.time_since_epoch().count() >= 946684800, "a report is of this century");
  require(report->policies.size() <= 10'000, "policies are bounded");
  for (const auto& [name, result] : report->policies)
    require(result.failures.size() <= 1000, "result types are bounded");
  for (const auto& [name, counts] : report->policies)
    require(mtasts::is_utf8(name.domain) && name.domain.size() <= 1000, "a policy's name is bounded UTF-8");
  return 0;
}
