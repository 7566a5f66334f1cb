#include "adapters/cli/check/judge.h"

#include <algorithm>

#include "adapters/cli/check/codes.h"
#include "adapters/cli/check/judgement.h"
#include "adapters/cli/check/record_id.h"

namespace mtasts::check {
namespace {

constexpr std::size_t kMaxShown = 400;  // bytes of what a peer sent, in one message

Section section_of(const Finding& finding) { return find_code(finding.code)->section; }

}  // namespace

std::string_view severity_name(Severity severity) {
  switch (severity) {
    case Severity::kInfo:
      return "info";
    case Severity::kUnknown:
      return "unknown";
    case Severity::kWarning:
      return "warning";
    case Severity::kCritical:
      break;
  }
  return "critical";
}

Severity worst(const Report& report) {
  Severity worst = Severity::kInfo;
  for (const Finding& finding : report.findings) worst = std::max(worst, finding.severity);
  return worst;
}

std::string_view status_word(Severity worst) { return worst == Severity::kInfo ? "ok" : severity_name(worst); }

int exit_code(Severity worst) {
  switch (worst) {
    case Severity::kInfo:
      return 0;
    case Severity::kUnknown:
      return 3;
    case Severity::kWarning:
      return 1;
    case Severity::kCritical:
      break;
  }
  return 2;
}

void Judgement::add(std::string_view code, Severity severity, std::string_view subject, std::string message,
                    std::string fix) {
  const Code* known = find_code(code);
  findings.push_back({known->name, severity, escaped(subject, kMaxShown), std::move(message), std::move(fix),
                      std::string(known->rfc)});
}

bool Judgement::has(std::string_view code) const {
  return std::ranges::any_of(findings, [code](const Finding& finding) { return finding.code == code; });
}

std::string Judgement::new_record() const {
  // Where there is no file yet, a hash would belong to another one than is going to be served.
  const std::string id = make_record_id(facts.seen_at, reading.source != nullptr ? reading.source->http.body : "");
  return facts.domain.record_name() +
         ". IN TXT \"v=STSv1; id=" + (reading.source != nullptr ? id : id.substr(0, id.find('h'))) + "\"";
}

std::string Judgement::policy_url() const {
  return "https://" + facts.domain.policy_host() + "/.well-known/mta-sts.txt";
}

std::string Judgement::then_new_id() { return "; then give the record a new id"; }

std::string in_quotes(std::string_view text) { return '"' + escaped(text, kMaxShown) + '"'; }

Report judge(Facts facts, const Saved* saved, const Wishes& wishes) {
  Report report{std::move(facts), {}, {}};
  Judgement judgement{report.facts, saved, wishes, read(report.facts)};
  const bool has_record = judge_record(judgement);
  judge_removal(judgement);
  if (has_record) {
    judge_id(judgement);
    judge_tlsrpt(judgement);
    judge_policy_host(judgement);
    judge_policy(judgement);
    judge_mx(judgement);
  }
  report.impact = impact(judgement);
  report.findings = std::move(judgement.findings);
  std::erase_if(report.findings, [&](const Finding& finding) { return wishes.ignored.contains(finding.code); });
  std::ranges::stable_sort(report.findings, {}, section_of);
  return report;
}

}  // namespace mtasts::check
