#include "adapters/cli/report/summary.h"

#include <algorithm>
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
  for (const auto& [name, result] : report.policies) {
    bytes += name.type.size() + name.domain.size() + kNode;
    for (const auto& [type, sessions] : result.failures) bytes += type.size() + kNode;
  }
  return 2 * bytes;
}

std::chrono::sys_days day_of(const TlsReport& report) { return std::chrono::floor<std::chrono::days>(report.start); }

bool counts_once_with(const TlsReport& one, const TlsReport& other) {
  return one.organization == other.organization && one.id == other.id && day_of(one) == day_of(other);
}

void raise_to(std::uint64_t& number, std::uint64_t other) { number = std::max(number, other); }

// What either has, by the larger number where both have it.
void merge(TlsReport& merged, const TlsReport& other) {
  for (const auto& [name, result] : other.policies) {
    PolicyResult& known = merged.policies[name];
    raise_to(known.sessions.successful, result.sessions.successful);
    raise_to(known.sessions.failed, result.sessions.failed);
    for (const auto& [type, sessions] : result.failures) raise_to(known.failures[type], sessions);
  }
}

void count(Summary& summary, const TlsReport& report) {
  ++summary.reports;
  Counts sum;
  for (const auto& [name, result] : report.policies) {
    add_to(summary.policies[name], result.sessions);
    add_to(sum, result.sessions);
    for (const auto& [type, sessions] : result.failures) {
      std::uint64_t& known = summary.failures[type];
      known = saturating_sum(known, sessions);
    }
  }
  add_to(summary.days[day_of(report)], sum);
  add_to(summary.senders[report.organization], sum);
  add_to(summary.total, sum);
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
    conflicts_.push_back({file, rival->second, report.organization, report.id});
  return {};
}

// Those that count once are next to each other.
Collection::Seen::const_iterator Collection::rival_of(Seen::const_iterator report) const {
  if (report != seen_.begin() && counts_once_with(std::prev(report)->first, report->first)) return std::prev(report);
  const auto next = std::next(report);
  return next != seen_.end() && counts_once_with(next->first, report->first) ? next : seen_.end();
}

Summary Collection::summary() const {
  Summary summary;
  summary.refused = refused_;
  summary.conflicts = conflicts_;
  for (auto first = seen_.begin(); first != seen_.end();) {
    const auto is_other = [&first](const auto& one) { return !counts_once_with(one.first, first->first); };
    const auto end = std::find_if(first, seen_.end(), is_other);
    TlsReport merged = first->first;
    for (auto next = std::next(first); next != end; ++next) merge(merged, next->first);
    count(summary, merged);
    first = end;
  }
  return summary;
}

void Collection::refuse(std::string file, std::string reason) {
  refused_.push_back({std::move(file), std::move(reason)});
}

}  // namespace mtasts::report
