#include "adapters/cli/report/summary.h"

#include <iterator>

namespace mtasts::report {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{128} << 20U;
constexpr std::size_t kNode = 200;  // what an entry of a map costs besides its texts

void add_to(Counts& sum, const Counts& counts) {
  sum.successful = saturating_sum(sum.successful, counts.successful);
  sum.failed = saturating_sum(sum.failed, counts.failed);
}

// As if nothing of it were there yet: once for the sums, once to know the report again, and once for a conflict.
std::size_t cost(const TlsReport& report, const std::string& file) {
  std::size_t bytes = 2 * (report.organization.size() + report.id.size() + file.size() + kNode);
  for (const auto& [name, counts] : report.policies) bytes += name.type.size() + name.domain.size() + kNode;
  for (const auto& [type, sessions] : report.failures) bytes += type.size() + kNode;
  return 2 * bytes;
}

bool has_name_of(const TlsReport& one, const TlsReport& other) {
  return one.organization == other.organization && one.id == other.id;
}

}  // namespace

Read<void> Collection::add(const TlsReport& report, const std::string& file) {
  if (seen_.contains(report)) return {};
  const std::size_t bytes = cost(report, file);
  if (bytes_ + bytes > kMaxBytes)
    return report::refuse("there are too many reports for one summary; give fewer files at a time");
  bytes_ += bytes;
  const auto added = seen_.emplace(report, file).first;
  if (const auto rival = rival_of(added); rival != seen_.end())
    summary_.conflicts.push_back({file, rival->second, report.organization, report.id});
  count(report);
  return {};
}

// Reports with one name are next to each other.
Collection::Seen::const_iterator Collection::rival_of(Seen::const_iterator report) const {
  if (report != seen_.begin() && has_name_of(std::prev(report)->first, report->first)) return std::prev(report);
  const auto next = std::next(report);
  return next != seen_.end() && has_name_of(next->first, report->first) ? next : seen_.end();
}

void Collection::count(const TlsReport& report) {
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
}

void Collection::refuse(std::string file, std::string reason) {
  summary_.refused.push_back({std::move(file), std::move(reason)});
}

}  // namespace mtasts::report
