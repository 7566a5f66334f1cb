// The record by which the domain asks for reports (RFC 8460 §3).
#include "adapters/cli/check/judgement.h"
#include "core/tlsrpt_record.h"

namespace mtasts::check {

void judge_tlsrpt(Judgement& j) {
  const DnsFact& fact = j.facts.tlsrpt;
  if (fact.outcome == DnsFact::Outcome::kNotAsked) return;
  const std::string name = "_smtp._tls." + j.facts.domain.text();
  const std::string publish =
      "Publish: " + name + ". IN TXT \"v=TLSRPTv1; rua=mailto:tls-reports@" + j.facts.domain.text() + "\"";
  if (fact.outcome == DnsFact::Outcome::kFailed) {
    j.add("record-dns-failure", Severity::kUnknown, name, "the record cannot be asked for: " + fact.error,
          "See whether the nameservers of the zone answer for TXT at " + name);
    return;
  }
  const std::vector<std::string> records = tlsrpt_records(fact);
  if (records.empty()) {
    j.add("tlsrpt-absent", Severity::kWarning, name,
          "no TXT record begins with v=TLSRPTv1: you are not told when senders fail", publish);
  } else if (records.size() > 1) {
    j.add("tlsrpt-multiple", Severity::kWarning, name,
          std::to_string(records.size()) + " records begin with v=TLSRPTv1: senders send no reports",
          "Delete all but one of the TXT records at " + name);
  } else if (!tlsrpt_record(records)) {
    j.add("tlsrpt-invalid", Severity::kWarning, name,
          in_quotes(records.front()) + " names no mailto: or https: address to report to", publish);
  }
}

}  // namespace mtasts::check
