// What an audit of one domain says: findings with codes that people script against, and what they amount to.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "adapters/cli/check/facts.h"

namespace mtasts::check {

// In the order in which they decide the status: incomplete never means "ok".
enum class Severity { kInfo, kUnknown, kWarning, kCritical };

std::string_view severity_name(Severity severity);  // "info", "unknown", "warning", "critical"

struct Finding {
  std::string_view code;  // "record-absent"; docs/check.md lists them all
  Severity severity = Severity::kInfo;
  std::string subject{};  // the name, address or pattern that it is about
  std::string message{};  // one sentence, escaped
  std::string fix{};      // what to do, one sentence
  std::string rfc{};      // "RFC 8461 §3.1"
};

struct Report {
  Facts facts;
  std::vector<Finding> findings;  // in the order of the sections: DNS, policy host, policy, MX
  std::string impact;             // what MTA-STS senders will do, one sentence
};

// kInfo: no finding is worse.
Severity worst(const Report& report);

// Of the worst finding: "ok", "unknown", "warning", "critical", and the exit code of a monitoring plugin, 0, 3, 1, 2.
std::string_view status_word(Severity worst);
int exit_code(Severity worst);

}  // namespace mtasts::check
