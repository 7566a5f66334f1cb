#include "adapters/cli/report/summary.h"

namespace mtasts::report {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{128} << 20U;
constexpr std::size_t kNode = 200;  // what an entry of a map costs besides its texts

void add_to(Counts& sum, const Counts& counts) {
  sum.successful = saturating_sum(sum.successful, counts.successful);
  sum.failed = saturating_sum(sum.failed, counts.failed);
}

// As if nothing of it were there yet.
std::size_t cost(const TlsReport& report) {
  std::size_t bytes = 2 * (report.organization.size() + kNode) + report.id.size();
  for (const auto& [name, counts] : report.policies) bytes += name.type.size() + name.domain.size() + kNode;
  for (const auto& [type, sessions] : report.failures) bytes += type.size() + kNode;
  return bytes;
}

}  // namespace

Read<void> Collection::add(const TlsReport& report) {
  if (seen_.contains({report.organization, report.id})) return {};
  const std::size_t bytes = cost(report);
  if (bytes_ + bytes > kMaxBytes)
    return report::refuse("there are too many reports for one summary; give fewer files at a time");
  bytes_ += bytes;
  seen_.emplace(report.organization, report.id);
  ++summary_.reports;
  Counts sum;
  for (const auto& [name, counts] : report.policies) {
    add_to(summary_.policies[name], counts);
    add_to(sum, counts);
  }
  for (const auto& [type, sessions] : report.failures) {
    std::uint64_t& known = summary_.failures[type];
    known = saturating_sum(known, sessions);
  }
  add_to(summary_.days[std::chrono::floor<std::chrono::days>(report.start)], sum);
  add_to(summary_.senders[report.organization], sum);
  add_to(summary_.total, sum);
  return {};
}

void Collection::refuse(std::string file, std::string reason) {
  summary_.refused.push_back({std::move(file), std::move(reason)});
}

}  // namespace mtasts::report
