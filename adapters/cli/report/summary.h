// What many reports say together.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "adapters/cli/report/tls_report.h"

namespace mtasts::report {

struct RefusedFile {
  std::string file;
  std::string reason;
};

// A report with the organization and id of another one that says something else: one of them may be forged.
struct ConflictingReport {
  std::string file;
  std::string other_file;
  std::string organization;
  std::string id;
};

// Sums stay at 2^64-1 where they would be larger: one sender's nonsense changes no other line.
struct Summary {
  std::uint64_t reports = 0;
  Counts total;
  std::map<std::chrono::sys_days, Counts> days;  // the day, UTC, on which a report begins
  std::map<PolicyName, Counts> policies;
  std::map<std::string, Counts> senders;          // by organization
  std::map<std::string, std::uint64_t> failures;  // sessions by result type
  std::vector<RefusedFile> refused;
  std::vector<ConflictingReport> conflicts;  // counted all the same
};

class Collection {
 public:
  // A report that was there before counts no second time. One that says something else under the same organization and
  // id does: reports are not signed, and a forged one that comes first must not hide the real one. Refused: a report
  // for which there is no room any more (128 MiB of names and ids).
  Read<void> add(const TlsReport& report, const std::string& file);
  void refuse(std::string file, std::string reason);

  [[nodiscard]] const Summary& summary() const { return summary_; }

 private:
  using Seen = std::map<TlsReport, std::string>;  // and the file that it is in

  // Another report with the same organization and id.
  [[nodiscard]] Seen::const_iterator rival_of(Seen::const_iterator report) const;
  void count(const TlsReport& report);

  Summary summary_;
  Seen seen_;
  std::size_t bytes_ = 0;
};

inline bool is_saturated(const Counts& counts) {
  return counts.successful == UINT64_MAX || counts.failed == UINT64_MAX;
}

}  // namespace mtasts::report
