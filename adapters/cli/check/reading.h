// What a sender makes of the facts: which record it finds, where it gets a policy, which MX hosts it would use. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/cli/check/facts.h"
#include "core/policy.h"
#include "core/record.h"

namespace mtasts::check {

// The text begins as a record of MTA-STS does: v=STSv1 and no letter or digit after it. Senders ignore one without the
// delimiter after it (R5), and whoever published it wonders why.
bool begins_as_record(std::string_view text);

// The TXT records that count for a sender (R5).
std::vector<std::string> sts_records(const DnsFact& fact);
std::vector<std::string> tlsrpt_records(const DnsFact& fact);

// Nothing is there: the name does not exist, or has no record of the type.
bool is_gone(const DnsFact& fact);

bool is_plain_text(std::string_view content_type);  // R13: parameters are ignored

// This address serves a file that can be judged: certificate, status and size are right.
bool serves_file(const PolicyAddressFact& address);
// A sender takes it from there (R11-R14).
bool serves_policy(const PolicyAddressFact& address);

struct Reading {
  RecordFinding record;
  const PolicyAddressFact* source = nullptr;  // the address whose file counts here: the first with a valid policy, or
                                              // the first with any file
  std::optional<Policy> policy;               // of `source`, where it is valid

  [[nodiscard]] bool enforces() const { return policy && policy->mode == Mode::kEnforce; }
  [[nodiscard]] bool is_none() const { return policy && policy->mode == Mode::kNone; }
};

// Pointers into `facts`.
Reading read(const Facts& facts);

// What a sender that enforces the policy finds at one address of an MX host (R25), whatever the patterns.
enum class MxVerdict { kGood, kRefused, kUnknown };
MxVerdict verdict(const MxAddressFact& session);
// All its addresses, and the patterns where there is a policy: one refused address is enough for kRefused.
MxVerdict verdict(const MxFact& mx, const Reading& reading);

}  // namespace mtasts::check
