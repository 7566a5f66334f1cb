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

// A report with the organization, id and day of another one that says something else: it may be a correction, or one of
// them forged.
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
  std::vector<ConflictingReport> conflicts;  // counted with the other one: once, by the larger number of each
};

class Collection {
 public:
  // Reports of one organization, id and first day count once, for each policy and type of failure by the largest number
  // of any of them: a sender may correct a report under its id, and a forged one hides nothing of the real one and adds
  // no more than it would under an id of its own (ADR 21). Refused: a report for which there is no room any more (128
  // MiB of names and ids).
  Read<void> add(const TlsReport& report, const std::string& file);
  void refuse(std::string file, std::string reason);

  // Takes as long as there are reports: sums are made here, because one that has reached 2^64-1 cannot be taken back.
  [[nodiscard]] Summary summary() const;

 private:
  using Seen = std::map<TlsReport, std::string>;  // and the file that it is in

  // Another report with the same organization and id.
  [[nodiscard]] Seen::const_iterator rival_of(Seen::const_iterator report) const;

  std::vector<RefusedFile> refused_;
  std::vector<ConflictingReport> conflicts_;
  Seen seen_;
  std::size_t bytes_ = 0;
};

inline bool is_saturated(const Counts& counts) {
  return counts.successful == UINT64_MAX || counts.failed == UINT64_MAX;
}

}  // namespace mtasts::report
