#include "adapters/cli/check/rows.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <set>

#include "adapters/cli/check/judgement.h"
#include "adapters/cli/check/reading.h"
#include "core/mx_match.h"

namespace mtasts::check {
namespace {

using Outcome = DnsFact::Outcome;

constexpr std::size_t kMaxShown = 300;

std::string shown(std::string_view text) { return escaped(text, kMaxShown); }

// A row and what findings about it have as their subject.
struct Draft {
  std::string subject;
  std::string label;
  std::string text;
  bool is_nothing = false;
};

std::string record_text(const DnsFact& fact, const std::vector<std::string>& records) {
  if (fact.outcome == Outcome::kFailed) return "no answer from DNS";
  if (fact.outcome == Outcome::kNotAsked) return "not looked at";
  if (records.empty()) return "no record";
  std::vector<std::string> texts;
  for (const std::string& record : records) texts.push_back(shown(record));
  return joined(texts, " | ") + (fact.authenticated ? "  (DNSSEC)" : "");
}

std::string alias_text(const AliasFact& alias) {
  return alias.chain.empty() ? "" : "  CNAME " + shown(joined(alias.chain, " -> "));
}

std::string server_names(const Facts& facts) {
  std::set<std::string> names;
  for (const NameserverFact& server : facts.record_servers) names.insert(shown(server.name));
  return joined({names.begin(), names.end()});
}

std::vector<Draft> dns_drafts(const Facts& facts, bool servers_differ) {
  const std::string tlsrpt = "_smtp._tls." + facts.domain.text();
  std::vector<Draft> drafts{{facts.domain.record_name(), "_mta-sts",
                             record_text(facts.record, sts_records(facts.record)) + alias_text(facts.record_alias)}};
  if (!facts.record_servers.empty())
    drafts.push_back({"", "nameservers", server_names(facts) + (servers_differ ? " differ" : ""), servers_differ});
  if (facts.tlsrpt.outcome != Outcome::kNotAsked)
    drafts.push_back({tlsrpt, "_smtp._tls", record_text(facts.tlsrpt, tlsrpt_records(facts.tlsrpt))});
  return drafts;
}

std::string certificate_text(const CertificateFact& certificate, WallTime now) {
  if (!certificate.is_good()) return "bad certificate";
  return "certificate " + std::to_string(days_left(certificate, now)) + " days left";
}

std::string tls_text(const TlsFact& tls, WallTime now) {
  if (tls.is_too_old) return "TLS older than 1.2";
  if (!tls.certificate) return "no TLS";
  return (tls.version.empty() ? "TLS" : shown(tls.version)) + ", " + certificate_text(*tls.certificate, now);
}

std::string took_text(std::chrono::milliseconds took) {
  std::array<char, 32> text{};
  (void)std::snprintf(text.data(), text.size(), "%.1f s", static_cast<double>(took.count()) / 1000);
  return text.data();
}

std::string address_text(const PolicyAddressFact& address, WallTime now) {
  if (!address.not_tried.empty()) return "not tried";
  if (!address.is_connected) return "no connection";
  std::string text = tls_text(address.tls, now);
  if (address.http.status != 0)
    text += ", status " + std::to_string(address.http.status) + ", " + took_text(address.http.took);
  return text;
}

std::vector<Draft> host_drafts(const Facts& facts) {
  std::vector<Draft> drafts{
      {facts.domain.policy_host(), "name", facts.domain.policy_host() + alias_text(facts.host_alias)}};
  if (facts.host_addresses.outcome == Outcome::kNotAsked) drafts.back() = {"", "name", "not looked at", true};
  for (const PolicyAddressFact& address : facts.host)
    drafts.push_back({shown(address.address), shown(address.address), address_text(address, facts.seen_at)});
  return drafts;
}

std::string url_of(const Facts& facts) { return "https://" + facts.domain.policy_host() + "/.well-known/mta-sts.txt"; }

std::vector<Draft> policy_drafts(const Facts& facts) {
  const Reading reading = read(facts);
  if (!reading.policy)
    return {{url_of(facts), "file", reading.source == nullptr ? "none that could be judged" : "not valid",
             reading.source == nullptr}};
  const Policy& policy = *reading.policy;
  std::vector<Draft> drafts{{url_of(facts), "mode",
                             std::string(mode_name(policy.mode)) + ", max_age " +
                                 std::to_string(policy.max_age.count()) + " (" + duration_text(policy.max_age) + ")"}};
  std::set<std::string> told;
  for (const std::string& pattern : policy.mx)
    if (told.insert(pattern).second) drafts.push_back({pattern, "mx", pattern});
  return drafts;
}

// The least days of all its certificates, and whether it has any.
std::string mx_text(const MxFact& mx, WallTime now) {
  std::set<std::string> texts;
  bool has_tlsa = false;
  for (const MxAddressFact& session : mx.sessions) {
    has_tlsa = has_tlsa || session.matches_tlsa.value_or(false);
    texts.insert(!session.is_reached        ? "not reached"
                 : !session.offers_starttls ? "no STARTTLS"
                                            : tls_text(session.tls, now));
  }
  if (texts.empty()) return mx.addresses.outcome == Outcome::kFailed ? "no answer from DNS" : "not reached";
  return joined({texts.begin(), texts.end()}, " | ") + (has_tlsa ? ", TLSA matches" : "");
}

std::vector<Draft> mx_drafts(const Facts& facts) {
  std::vector<Draft> drafts;
  const Reading reading = read(facts);
  for (const MxFact& mx : facts.mx) {
    const bool has_patterns = reading.policy && !reading.is_none();
    const std::string allowed = !has_patterns                             ? ""
                                : mx_allowed(reading.policy->mx, mx.host) ? "in the policy, "
                                                                          : "not in the policy, ";
    const std::string name = shown(mx.host);
    const std::string preference = facts.mx_records.values.empty() ? "" : std::to_string(mx.preference) + " ";
    drafts.push_back({name, preference + name, allowed + mx_text(mx, facts.seen_at) + alias_text(mx.alias)});
  }
  if (drafts.empty()) drafts.push_back({"", "hosts", facts.is_null_mx ? "null MX" : "not looked at", true});
  return drafts;
}

std::vector<Draft> drafts_of(const Report& report, Section section) {
  switch (section) {
    case Section::kDns:
      return dns_drafts(report.facts, std::ranges::any_of(report.findings, [](const Finding& finding) {
                          return finding.code == "record-nameservers-differ";
                        }));
    case Section::kPolicyHost:
      return host_drafts(report.facts);
    case Section::kPolicy:
      return policy_drafts(report.facts);
    case Section::kMx:
      break;
  }
  return mx_drafts(report.facts);
}

// An MX host that the policy leaves out is not "ok" in its own section either.
Row finished(const Report& report, Section section, Draft draft) {
  Row row{draft.is_nothing ? Row::Mark::kNothing : Row::Mark::kOk, std::move(draft.label), std::move(draft.text)};
  for (const Finding& finding : report.findings) {
    const bool is_here = find_code(finding.code)->section == section;
    if (draft.subject.empty() || finding.subject != draft.subject || (!is_here && section != Section::kMx)) continue;
    row.mark = std::max(row.mark, mark_of(finding.severity));
    if (is_here) row.findings.push_back(&finding);
  }
  return row;
}

}  // namespace

std::string_view section_title(Section section) {
  switch (section) {
    case Section::kDns:
      return "DNS";
    case Section::kPolicyHost:
      return "POLICY HOST";
    case Section::kPolicy:
      return "POLICY";
    case Section::kMx:
      break;
  }
  return "MX";
}

Row::Mark mark_of(Severity severity) {
  switch (severity) {
    case Severity::kInfo:
      return Row::Mark::kInfo;
    case Severity::kUnknown:
      return Row::Mark::kUnknown;
    case Severity::kWarning:
      return Row::Mark::kWarning;
    case Severity::kCritical:
      break;
  }
  return Row::Mark::kCritical;
}

std::string_view mark_name(Row::Mark mark) {
  constexpr std::array<std::string_view, 6> kNames{"ok", "-", "info", "UNKNOWN", "WARNING", "CRITICAL"};
  return kNames.at(static_cast<std::size_t>(mark));
}

Row::Mark status_mark(const Report& report) {
  const Severity severity = worst(report);
  return severity == Severity::kInfo ? Row::Mark::kOk : mark_of(severity);
}

std::vector<Row> rows(const Report& report, Section section) {
  std::vector<Row> rows;
  std::set<const Finding*> told;
  for (Draft& draft : drafts_of(report, section)) {
    rows.push_back(finished(report, section, std::move(draft)));
    told.insert(rows.back().findings.begin(), rows.back().findings.end());
  }
  for (const Finding& finding : report.findings)
    if (find_code(finding.code)->section == section && !told.contains(&finding))
      rows.push_back({mark_of(finding.severity), finding.subject, "", {&finding}});
  return rows;
}

std::string counted(const std::vector<Finding>& findings) {
  std::vector<std::string> parts;
  for (const Severity severity : {Severity::kCritical, Severity::kWarning, Severity::kUnknown, Severity::kInfo}) {
    const auto count = std::ranges::count(findings, severity, &Finding::severity);
    const bool is_plural = count > 1 && severity == Severity::kWarning;
    if (count > 0)
      parts.push_back(std::to_string(count) + " " + std::string(severity_name(severity)) + (is_plural ? "s" : ""));
  }
  return parts.empty() ? "no findings" : joined(parts);
}

Fix split_fix(std::string_view fix) {
  constexpr std::string_view kMark = "ublish: ";
  const std::size_t found = fix.find(kMark);
  if (found == std::string_view::npos) return {fix, {}};
  return {fix.substr(0, found + kMark.size() - 1), fix.substr(found + kMark.size())};
}

std::vector<const Finding*> by_gravity(const std::vector<Finding>& findings) {
  std::vector<const Finding*> sorted;
  for (const Finding& finding : findings) sorted.push_back(&finding);
  std::ranges::stable_sort(sorted, [](const Finding* a, const Finding* b) { return a->severity > b->severity; });
  return sorted;
}

std::string duration_text(std::chrono::seconds duration) {
  struct Unit {
    std::int64_t seconds;
    const char* name;
  };
  for (const Unit unit : {Unit{86'400, " day"}, Unit{3'600, " hour"}, Unit{60, " minute"}, Unit{1, " second"}}) {
    if (duration.count() < unit.seconds) continue;
    const std::int64_t count = duration.count() / unit.seconds;
    return std::to_string(count) + unit.name + (count == 1 ? "" : "s");
  }
  return "0 seconds";
}

}  // namespace mtasts::check
