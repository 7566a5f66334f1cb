// The policy file and what it says of the domain's MX hosts.
#include <algorithm>
#include <map>
#include <set>

#include "adapters/cli/check/judgement.h"
#include "core/ascii.h"
#include "core/mx_match.h"
#include "module/engine/public_suffix.h"

namespace mtasts::check {
namespace {

using std::chrono::days;

constexpr days kShort{14};
constexpr days kTooShort{1};
constexpr days kLongTesting{90};
constexpr long kAdvisedAge = 2'592'000;  // 30 days

bool is_html(std::string_view body) {
  const std::size_t start = body.find_first_not_of(" \t\r\n");
  return start != std::string_view::npos && body[start] == '<';
}

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

std::string first_fault(std::string_view body, const Error& error) {
  if (body.empty()) return "line 1: the file is empty";
  if (body.starts_with(kByteOrderMark)) return "line 1 begins with a byte order mark";
  if (is_html(body)) return "line 1: it is an HTML page, not a policy";
  return error.detail;
}

// The line that is missing, where it is one of a known form.
std::string missing_line(const Judgement& j, const std::string& detail) {
  if (detail == "the version is missing") return "version: STSv1";
  if (detail == "the mode is missing") return "mode: testing";
  if (detail == "the max_age is missing") return "max_age: " + std::to_string(kAdvisedAge);
  if (detail == "an mx is missing")
    return "mx: " + (j.facts.mx.empty() ? "mx." + j.facts.domain.text() : escaped(j.facts.mx.front().host));
  return "";
}

std::string fix_of_invalid(const Judgement& j, std::string_view body, const std::string& detail) {
  const std::string at = j.policy_url();
  if (body.starts_with(kByteOrderMark)) return "Save " + at + " as UTF-8 without a byte order mark" + j.then_new_id();
  if (is_html(body) || body.empty())
    return "Serve the policy as a static file at " + at + ", its first line \"version: STSv1\"" + j.then_new_id();
  if (const std::string line = missing_line(j, detail); !line.empty())
    return "Add the line \"" + line + "\" to " + at + j.then_new_id();
  const bool has_line = detail.starts_with("line ");
  return "Correct " + (has_line ? detail.substr(0, detail.find(':')) + " of " : "") + at + j.then_new_id();
}

// Each different file by itself: its subject names the addresses where there are several.
void judge_files(Judgement& j) {
  std::map<std::string_view, std::vector<std::string>> files;
  for (const PolicyAddressFact& address : j.facts.host)
    if (serves_file(address)) files[address.http.body].push_back(address.address);
  for (const auto& [body, addresses] : files) {
    const auto policy = parse_policy(body);
    if (policy) continue;
    const std::string subject = j.policy_url() + (files.size() > 1 ? " at " + joined(addresses) : "");
    j.add("policy-invalid", Severity::kCritical, subject, first_fault(body, policy.error()),
          fix_of_invalid(j, body, policy.error().detail));
  }
}

// max_age as it is written; parse_policy() caps it.
std::string written_age(std::string_view body) {
  for (const std::string& line : policy_strings(body)) {
    if (!line.starts_with("max_age:")) continue;
    std::string digits = line.substr(line.find(':') + 1);
    std::erase_if(digits, [](char c) { return !ascii::is_digit(c); });
    return digits;
  }
  return "";
}

std::string replace_line(const Judgement& j, const std::string& line) {
  return "Write \"" + line + "\" in " + j.policy_url() + j.then_new_id();
}

void judge_testing(Judgement& j) {
  const auto testing_for = j.saved != nullptr && j.saved->mode == Mode::kTesting
                               ? std::chrono::floor<days>(j.facts.seen_at - j.saved->mode_since)
                               : days(0);
  const bool is_long = testing_for > kLongTesting;
  j.add("policy-testing", is_long || j.wishes.require_enforce ? Severity::kWarning : Severity::kInfo, j.policy_url(),
        "the policy is in testing mode" +
            (is_long ? ", for " + std::to_string(testing_for.count()) + " days now" : std::string()) +
            ": mail is delivered also where it fails",
        "When reports show no failures for two weeks, write \"mode: enforce\" in " + j.policy_url() + j.then_new_id());
}

void judge_mode(Judgement& j) {
  const Policy& policy = *j.reading.policy;
  if (policy.mode == Mode::kNone)
    j.add("policy-mode-none", j.wishes.require_enforce ? Severity::kWarning : Severity::kInfo, j.policy_url(),
          "the mode is none: senders treat the domain as one without a policy",
          "If the domain shall be protected, write \"mode: testing\" in " + j.policy_url() + j.then_new_id());
  else if (policy.mode == Mode::kTesting)
    judge_testing(j);
}

void judge_age(Judgement& j) {
  const auto age = j.reading.policy->max_age;
  const std::string written = written_age(j.reading.source->http.body);
  if (ascii::number(written, 9'999'999'999).value_or(0) > kMaxPolicyAge.count())
    j.add("policy-max-age-capped", Severity::kWarning, j.policy_url(),
          "max_age is " + written + " seconds, more than the " + std::to_string(kMaxPolicyAge.count()) +
              " that the standard allows",
          replace_line(j, "max_age: " + std::to_string(kMaxPolicyAge.count())));
  if (j.reading.enforces() && age < kShort)
    j.add("policy-max-age-short", age < kTooShort ? Severity::kCritical : Severity::kWarning, j.policy_url(),
          "max_age is " + std::to_string(age.count()) + " seconds: senders forget the policy that soon",
          replace_line(j, "max_age: " + std::to_string(kAdvisedAge)));
}

bool is_public_suffix(const std::string& name) { return registrable_domain("x." + name) == "x." + name; }

void judge_patterns(Judgement& j) {
  const bool is_mx_known = j.facts.mx_records.outcome != DnsFact::Outcome::kFailed && !j.facts.mx.empty();
  const std::vector<std::string>& all = j.reading.policy->mx;
  for (const std::string& pattern : std::set<std::string>(all.begin(), all.end())) {
    if (pattern.starts_with("*.") && is_public_suffix(pattern.substr(2)))
      j.add("policy-mx-broad", Severity::kWarning, pattern,
            "everybody can have a host that matches " + pattern + ", for " + pattern.substr(2) + " is a public suffix",
            "Name your own hosts in place of the line \"mx: " + pattern + "\"" + j.then_new_id());
    const bool is_used =
        std::ranges::any_of(j.facts.mx, [&](const MxFact& mx) { return mx_matches(pattern, mx.host); });
    if (is_mx_known && !is_used)
      j.add("policy-mx-unused", Severity::kInfo, pattern, "no MX host of the domain matches this line",
            "Unless the host is about to come or has just gone, delete the line \"mx: " + pattern + "\"" +
                j.then_new_id());
  }
}

void judge_hosts(Judgement& j) {
  for (const MxFact& mx : j.facts.mx) {
    if (mx_allowed(j.reading.policy->mx, mx.host)) continue;
    const std::string host = escaped(mx.host);
    j.add("policy-mx-missing", j.reading.enforces() ? Severity::kCritical : Severity::kWarning, mx.host,
          "no line of the policy allows this MX host: senders that enforce it do not deliver there",
          "Add the line \"mx: " + host + "\" to " + j.policy_url() + j.then_new_id());
  }
}

}  // namespace

void judge_policy(Judgement& j) {
  judge_files(j);
  if (!j.reading.policy) return;
  judge_mode(j);
  judge_age(j);
  if (j.reading.is_none() || j.facts.is_null_mx) return;
  judge_hosts(j);
  judge_patterns(j);
}

}  // namespace mtasts::check
