#include "adapters/cli/publish/view.h"

#include <algorithm>
#include <array>

#include "adapters/cli/check/reading.h"
#include "core/policy.h"
#include "core/record.h"

namespace mtasts::publish {
namespace {

using check::DnsFact;
using check::Facts;
using check::Finding;
using check::PolicyAddressFact;
using check::Severity;

bool has_no_answer(const DnsFact& fact) {
  return fact.outcome == DnsFact::Outcome::kFailed || fact.outcome == DnsFact::Outcome::kNotAsked;
}

FileView view_address(const PolicyAddressFact& seen, std::string_view body) {
  using Kind = FileView::Kind;
  const auto view = [&](Kind kind, const std::string& why) { return FileView{kind, seen.address + " " + why}; };
  if (!seen.not_tried.empty()) return view(Kind::kUnreached, "was not tried from here: " + seen.not_tried);
  if (!seen.is_connected) return view(Kind::kUnreached, "cannot be connected to: " + seen.error);
  if (seen.tls.is_too_old) return view(Kind::kNoCertificate, "offers nothing from TLS 1.2 on");
  if (!seen.tls.certificate) return view(Kind::kNoCertificate, "has no TLS: " + seen.tls.error);
  if (!seen.tls.certificate->is_good())
    return view(Kind::kNoCertificate, "has a certificate that senders refuse: " + seen.tls.certificate->detail);
  if (seen.http.status == 0) return view(Kind::kOther, "gives no answer: " + seen.http.error);
  if (seen.http.status != 200) return view(Kind::kOther, "answers with status " + std::to_string(seen.http.status));
  if (!check::is_plain_text(seen.http.content_type))
    return view(Kind::kOther, "serves it as \"" + escaped(seen.http.content_type) + "\", not as text/plain");
  if (!check::serves_file(seen) || seen.http.body != body) return view(Kind::kOther, "serves another file");
  return {Kind::kServed, {}};
}

bool is_tried(const PolicyAddressFact& seen) { return seen.not_tried.empty(); }

bool gives(const DnsFact& fact, std::string_view id) {
  const auto finding = read_record(fact.values);
  return finding.kind == RecordFinding::Kind::kFound && finding.id == id;
}

std::string sentence(const Finding& finding) {
  std::string text = std::string(finding.code) + " " + escaped(finding.subject) + ": " + finding.message;
  if (!finding.fix.empty()) text += " " + finding.fix;
  return text;
}

bool is_of_mx_tls(std::string_view code) {
  constexpr std::array<std::string_view, 6> kCodes{"mx-no-starttls",         "mx-certificate-name",
                                                   "mx-certificate-expired", "mx-certificate-untrusted",
                                                   "mx-certificate-cn-only", "mx-tls-old"};
  return std::ranges::find(kCodes, code) != kCodes.end();
}

template <typename Wanted>
std::vector<std::string> sentences(const check::Report& report, Wanted wanted) {
  std::vector<std::string> texts;
  for (const Finding& finding : report.findings)
    if (wanted(finding)) texts.push_back(sentence(finding));
  return texts;
}

}  // namespace

std::string dns_trouble(const Facts& facts) {
  // A resolver gives no answer for a loop, either; that is known all the same.
  const auto trouble = [](const DnsFact& fact, const std::string& name, const check::AliasFact& alias = {}) {
    const bool is_known = !has_no_answer(fact) || alias.kind == check::AliasFact::Kind::kLoop;
    return is_known ? "" : "DNS gave no answer for " + name + (fact.error.empty() ? "" : ": " + fact.error);
  };
  const std::string& name = facts.domain.text();
  for (const auto& found :
       {trouble(facts.record, facts.domain.record_name(), facts.record_alias),
        trouble(facts.host_addresses, facts.domain.policy_host(), facts.host_alias),
        trouble(facts.mx_records, "the MX of " + name), trouble(facts.tlsrpt, "_smtp._tls." + name)})
    if (!found.empty()) return found;
  return {};
}

FileView view_file(const Facts& facts, std::string_view body) {
  if (facts.host.empty()) return {FileView::Kind::kNoAddress, facts.domain.policy_host() + " has no address"};
  FileView worst{FileView::Kind::kServed, {}};
  const bool is_any_tried = std::ranges::any_of(facts.host, is_tried);
  for (const PolicyAddressFact& seen : facts.host) {
    if (is_any_tried && !is_tried(seen)) continue;
    FileView view = view_address(seen, body);
    if (view.kind < worst.kind) worst = std::move(view);
  }
  return worst;
}

std::vector<std::string> untried_addresses(const Facts& facts) {
  std::vector<std::string> texts;
  for (const PolicyAddressFact& seen : facts.host)
    if (!is_tried(seen)) texts.push_back(seen.address + " was not tried from here: " + seen.not_tried);
  return texts;
}

RecordView view_record(const Facts& facts, std::string_view id) {
  using Kind = RecordView::Kind;
  const std::string name = facts.domain.record_name();
  if (check::sts_records(facts.record).empty()) return {Kind::kAbsent, name + " has no such record"};
  if (!gives(facts.record, id)) return {Kind::kOther, name + " has another record"};
  for (const auto& server : facts.record_servers) {
    if (has_no_answer(server.record)) continue;
    // A server that gives the alias has its part of the answer; what it leads to, the resolver found.
    const bool is_alias =
        std::ranges::any_of(server.record.values, [](const auto& text) { return text.starts_with("CNAME "); });
    if (!is_alias && !gives(server.record, id))
      return {Kind::kOther, "the nameserver " + escaped(server.name) + " (" + server.address + ") has not got it yet"};
  }
  return {Kind::kPublished, {}};
}

std::vector<std::string> live_mx(const Facts& facts) {
  std::vector<std::string> hosts;
  if (facts.is_null_mx) return hosts;
  for (const auto& mx : facts.mx) hosts.push_back(mx.host);
  return hosts;
}

std::chrono::seconds served_age(const Facts& facts) {
  std::chrono::seconds longest{0};
  for (const PolicyAddressFact& seen : facts.host) {
    const auto policy = check::serves_policy(seen) ? parse_policy(seen.http.body) : fail(ErrorCode::kPolicyInvalid, "");
    if (policy) longest = std::max(longest, policy->max_age);
  }
  return longest;
}

std::vector<std::string> obstacles_to_enforce(const check::Report& report) {
  return sentences(report, [](const Finding& finding) {
    const bool is_critical = finding.severity == Severity::kCritical || is_of_mx_tls(finding.code);
    return is_critical && finding.code != "policy-mx-missing";
  });
}

std::vector<std::string> critical_findings(const check::Report& report) {
  return sentences(report, [](const Finding& finding) { return finding.severity == Severity::kCritical; });
}

std::vector<std::string> unknown_findings(const check::Report& report) {
  return sentences(report, [](const Finding& finding) { return finding.severity == Severity::kUnknown; });
}

}  // namespace mtasts::publish
