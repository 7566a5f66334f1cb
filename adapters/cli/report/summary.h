// What many reports say together.
#pragma once

#include <set>
#include <vector>

#include "adapters/cli/report/tls_report.h"

namespace mtasts::report {

struct RefusedFile {
  std::string file;
  std::string reason;
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
};

class Collection {
 public:
  // A report of an organization and with an id that were there before counts no second time. Refused: one for which
  // there is no room any more (128 MiB of names and ids).
  Read<void> add(const TlsReport& report);
  void refuse(std::string file, std::string reason);

  [[nodiscard]] const Summary& summary() const { return summary_; }

 private:
  Summary summary_;
  std::set<std::pair<std::string, std::string>> seen_;
  std::size_t bytes_ = 0;
};

inline bool is_saturated(const Counts& counts) {
  return counts.successful == UINT64_MAX || counts.failed == UINT64_MAX;
}

}  // namespace mtasts::report
