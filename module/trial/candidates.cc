#include "module/trial/candidates.h"

#include <algorithm>

#include "core/domain.h"
#include "core/mx_match.h"

namespace mtasts {

std::vector<std::string> candidates(const std::string& domain, std::vector<MxRecord> records,
                                    const std::vector<std::string>& patterns, std::mt19937& random) {
  if (records.empty()) records.push_back({0, domain});
  std::ranges::shuffle(records, random);
  std::ranges::stable_sort(records, {}, &MxRecord::preference);
  std::vector<std::string> hosts;
  for (const MxRecord& record : records) {
    // What is no name becomes no part of an answer, whoever wrote it into DNS.
    const auto name = Domain::parse(record.host);
    if (!name || hosts.size() == kMaxCandidates) continue;
    const bool permitted = patterns.empty() || mx_allowed(patterns, name->text());
    if (permitted && std::ranges::find(hosts, name->text()) == hosts.end()) hosts.push_back(name->text());
  }
  return hosts;
}

}  // namespace mtasts
