#include "module/helper/session_fields.h"

#include <utility>

namespace mtasts {
namespace {

constexpr std::size_t kFields = 15;  // the request's two, and thirteen of the session

using PolicyType = TlsSession::PolicyType;

// Policy strings and patterns are lines, and a policy may have more of them than a frame may have fields.
std::string as_lines(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + '\n';
  return text;
}

// nullopt: as_lines() did not write that.
std::optional<std::vector<std::string>> split(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == 0 || end == std::string_view::npos) return std::nullopt;
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  return lines;
}

}  // namespace

Fields encode_session(const TlsSession& session, Fields request) {
  Fields fields = std::move(request);
  fields.insert(fields.end(),
                {session.domain.text(), session.type == PolicyType::kTlsa ? "tlsa" : "sts", session.policy_domain,
                 std::to_string(static_cast<int>(session.result)), session.own_address, session.mx_host,
                 session.mx_helo, session.mx_address, session.reason, session.message, as_lines(session.strings),
                 as_lines(session.patterns), as_lines(session.dane_hosts)});
  return fields;
}

std::optional<TlsSession> decode_session(const Fields& fields) {
  if (fields.size() != kFields) return std::nullopt;
  auto domain = Domain::parse(fields[2]);
  const auto result = parse_number(fields[5]);
  auto strings = split(fields[12]);
  auto patterns = split(fields[13]);
  auto dane_hosts = split(fields[14]);
  const bool is_known = fields[3] == "tlsa" || fields[3] == "sts";
  if (!domain || !is_known || !result || *result > 999 || !is_tls_result(static_cast<int>(*result)) || !strings ||
      !patterns || !dane_hosts)
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
  session.message = fields[11];
  session.strings = *std::move(strings);
  session.patterns = *std::move(patterns);
  session.dane_hosts = *std::move(dane_hosts);
  return session;
}

}  // namespace mtasts
