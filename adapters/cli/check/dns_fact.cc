#include "adapters/cli/check/dns_fact.h"

#include <array>
#include <string_view>
#include <utility>

#include "core/ascii.h"

namespace mtasts::check {
namespace {

constexpr const char* kNoAnswer = "no answer within the time for this domain";

template <typename Record, typename Text>
DnsFact fact_of(const Result<DnsAnswer<Record>>& answer, Text text) {
  DnsFact fact;
  if (!answer) {
    fact.outcome = DnsFact::Outcome::kFailed;
    fact.error = answer.error().detail;
    return fact;
  }
  using Kind = typename DnsAnswer<Record>::Kind;
  fact.outcome = answer->kind == Kind::kFound    ? DnsFact::Outcome::kFound
                 : answer->kind == Kind::kNoData ? DnsFact::Outcome::kNoData
                                                 : DnsFact::Outcome::kNxDomain;
  fact.authenticated = answer->authenticated;
  for (const auto& record : answer->records) fact.values.push_back(text(record));
  return fact;
}

}  // namespace

DnsFact unanswered() {
  DnsFact fact;
  fact.outcome = DnsFact::Outcome::kFailed;
  fact.error = kNoAnswer;
  return fact;
}

DnsFact text_fact(const Result<DnsAnswer<std::string>>& answer) {
  return fact_of(answer, [](const std::string& text) { return text; });
}

DnsFact mx_fact(const Result<DnsAnswer<MxRecord>>& answer) {
  return fact_of(answer, [](const MxRecord& record) {
    return std::to_string(record.preference) + ' ' + ascii::lower(record.host);
  });
}

DnsFact tlsa_fact(const Result<DnsAnswer<TlsaRecord>>& answer) {
  return fact_of(answer, [](const TlsaRecord& record) {
    std::string text;
    for (const unsigned number : {record.usage, record.selector, record.matching}) text += std::to_string(number) + ' ';
    return text + ascii::hex(record.data);
  });
}

DnsFact server_fact(const std::string& name, ServerQuestions::Type type, const Result<DnsAnswer<std::string>>& answer) {
  DnsFact fact = text_fact(answer);
  if (!answer) return fact;
  const bool asked_for_alias = type == ServerQuestions::Type::kCname;
  if (!asked_for_alias && answer->owner == name) return fact;
  if (asked_for_alias && answer->records.empty()) return fact;
  fact.outcome = DnsFact::Outcome::kFound;
  fact.values = {"CNAME " + ascii::lower(asked_for_alias ? answer->records.front() : answer->owner)};
  return fact;
}

}  // namespace mtasts::check
