#include "module/helper/session_fields.h"

#include <utility>

namespace mtasts {
namespace {

constexpr std::size_t kFixed = 11;  // the request's two, nine of the session; policy strings and patterns follow

using PolicyType = TlsSession::PolicyType;

}  // namespace

Fields encode_session(const TlsSession& session, Fields request) {
  Fields fields = std::move(request);
  fields.insert(fields.end(),
                {session.domain.text(), session.type == PolicyType::kTlsa ? "tlsa" : "sts", session.policy_domain,
                 std::to_string(static_cast<int>(session.result)), session.own_address, session.mx_host,
                 session.mx_helo, session.mx_address, session.reason});
  fields.push_back(std::to_string(session.strings.size()));
  fields.insert(fields.end(), session.strings.begin(), session.strings.end());
  fields.insert(fields.end(), session.patterns.begin(), session.patterns.end());
  return fields;
}

std::optional<TlsSession> decode_session(const Fields& fields) {
  if (fields.size() < kFixed + 1) return std::nullopt;
  auto domain = Domain::parse(fields[2]);
  const auto result = parse_number(fields[5]);
  const auto strings = parse_number(fields[kFixed]);
  const bool is_known = fields[3] == "tlsa" || fields[3] == "sts";
  if (!domain || !is_known || !result || *result > 999 || !is_tls_result(static_cast<int>(*result)) || !strings ||
      *strings > fields.size() - kFixed - 1)
    return std::nullopt;
  TlsSession session{.domain = *std::move(domain),
                     .type = fields[3] == "tlsa" ? PolicyType::kTlsa : PolicyType::kSts,
                     .policy_domain = fields[4]};
  session.result = static_cast<TlsResult>(*result);
  session.own_address = fields[6];
  session.mx_host = fields[7];
  session.mx_helo = fields[8];
  session.mx_address = fields[9];
  session.reason = fields[10];
  const auto first = fields.begin() + kFixed + 1;
  const auto middle = first + static_cast<std::ptrdiff_t>(*strings);
  session.strings.assign(first, middle);
  session.patterns.assign(middle, fields.end());
  return session;
}

}  // namespace mtasts
