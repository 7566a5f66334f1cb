#include "adapters/cli/check/monitoring.h"

#include <algorithm>

#include "adapters/cli/check/judgement.h"
#include "core/ascii.h"

namespace mtasts::check {
namespace {

// Each code once, the most serious first.
std::string codes_of(const Report& report) {
  std::vector<std::string> codes;
  for (const Severity severity : {Severity::kCritical, Severity::kWarning, Severity::kUnknown})
    for (const Finding& finding : report.findings)
      if (finding.severity == severity && std::ranges::find(codes, finding.code) == codes.end())
        codes.emplace_back(finding.code);
  return joined(codes);
}

// The bar separates the text from the numbers.
std::string harmless(std::string text) {
  std::ranges::replace(text, '|', '/');
  return text;
}

}  // namespace

void Monitoring::add(const Report& report) {
  const Severity severity = worst(report);
  worst_ = std::max(worst_, severity);
  findings_ += report.findings.size();
  const auto count = [&](Severity one) {
    return static_cast<std::size_t>(std::ranges::count(report.findings, one, &Finding::severity));
  };
  critical_ += count(Severity::kCritical);
  warning_ += count(Severity::kWarning);
  unknown_ += count(Severity::kUnknown);
  const auto note = [&](const TlsFact& tls) {
    if (!tls.certificate) return;
    const long days = days_left(*tls.certificate, report.facts.seen_at);
    certificate_days_ = std::min(certificate_days_.value_or(days), days);
  };
  for (const PolicyAddressFact& address : report.facts.host) note(address.tls);
  for (const MxFact& mx : report.facts.mx)
    for (const MxAddressFact& session : mx.sessions) note(session.tls);
  domains_.push_back(
      {report.facts.domain.text(), severity, severity == Severity::kInfo ? report.impact : codes_of(report)});
}

std::string Monitoring::line() const {
  std::string text;
  if (domains_.size() == 1) {
    text = domains_.front().name + ": " + domains_.front().words;
  } else {
    text = std::to_string(domains_.size()) + " domains";
    constexpr std::size_t kMaxNamed = 10;
    std::size_t named = 0;
    for (const Severity severity : {Severity::kCritical, Severity::kWarning, Severity::kUnknown})
      for (const Domain& domain : domains_)
        if (domain.severity == severity && named++ < kMaxNamed)
          text += "; " + domain.name + " " + std::string(severity_name(severity)) + ": " + domain.words;
    if (named > kMaxNamed) text += "; and " + std::to_string(named - kMaxNamed) + " more";
  }
  return "MTASTS " + ascii::upper(status_word(worst_)) + " - " + harmless(text) +
         " | findings=" + std::to_string(findings_) + ";;;0 critical=" + std::to_string(critical_) +
         ";;;0 warning=" + std::to_string(warning_) + ";;;0 unknown=" + std::to_string(unknown_) +
         ";;;0 certificate_days=" + (certificate_days_ ? std::to_string(*certificate_days_) : "U");
}

}  // namespace mtasts::check
