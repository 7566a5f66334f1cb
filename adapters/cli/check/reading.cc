#include "adapters/cli/check/reading.h"

#include <algorithm>

#include "core/ascii.h"
#include "core/mx_match.h"

namespace mtasts::check {
namespace {

constexpr long kOk = 200;

bool begins_with_version(std::string_view text, std::string_view version) {
  return text.starts_with(version) && (text.size() == version.size() || !ascii::is_alnum(text[version.size()]));
}

bool is_whole(const HttpFact& http) { return http.status == kOk && http.error.empty() && !http.is_too_large; }

}  // namespace

bool begins_as_record(std::string_view text) { return begins_with_version(text, "v=STSv1"); }

std::vector<std::string> sts_records(const DnsFact& fact) {
  std::vector<std::string> records;
  for (const std::string& text : fact.values)
    if (read_record({text}).kind != RecordFinding::Kind::kAbsent) records.push_back(text);
  return records;
}

std::vector<std::string> tlsrpt_records(const DnsFact& fact) {
  std::vector<std::string> records;
  for (const std::string& text : fact.values)
    if (begins_with_version(text, "v=TLSRPTv1")) records.push_back(text);
  return records;
}

bool is_gone(const DnsFact& fact) {
  return fact.outcome == DnsFact::Outcome::kNoData || fact.outcome == DnsFact::Outcome::kNxDomain ||
         (fact.outcome == DnsFact::Outcome::kFound && fact.values.empty());
}

bool is_plain_text(std::string_view content_type) {
  return ascii::equal_ignoring_case(ascii::trimmed(content_type.substr(0, content_type.find(';'))), "text/plain");
}

bool serves_file(const PolicyAddressFact& address) {
  return address.is_connected && address.tls.certificate && address.tls.certificate->is_good() &&
         is_whole(address.http);
}

bool serves_policy(const PolicyAddressFact& address) {
  return serves_file(address) && is_plain_text(address.http.content_type) && parse_policy(address.http.body);
}

Reading read(const Facts& facts) {
  Reading reading{read_record(facts.record.values), nullptr, std::nullopt};
  for (const PolicyAddressFact& address : facts.host) {
    if (!serves_file(address)) continue;
    if (reading.source == nullptr) reading.source = &address;
    auto policy = parse_policy(address.http.body);
    if (!policy) continue;
    reading.source = &address;
    reading.policy = std::move(*policy);
    break;
  }
  return reading;
}

MxVerdict verdict(const MxAddressFact& session) {
  if (!session.is_reached) return MxVerdict::kUnknown;
  const auto& certificate = session.tls.certificate;
  const bool is_good = session.offers_starttls && !session.tls.is_too_old && certificate && certificate->is_good();
  return is_good && session.matches_tlsa.value_or(true) ? MxVerdict::kGood : MxVerdict::kRefused;
}

MxVerdict verdict(const MxFact& mx, const Reading& reading) {
  if (reading.policy && !reading.is_none() && !mx_allowed(reading.policy->mx, mx.host)) return MxVerdict::kRefused;
  MxVerdict all = MxVerdict::kUnknown;
  for (const MxAddressFact& session : mx.sessions) {
    const MxVerdict one = verdict(session);
    if (one == MxVerdict::kRefused) return one;
    if (one == MxVerdict::kGood) all = one;
  }
  return all;
}

}  // namespace mtasts::check
