#include "module/tlsrpt/datagram.h"

#include <nlohmann/json.hpp>

#include "core/tlsrpt_record.h"

namespace mtasts {
namespace {

using Json = nlohmann::ordered_json;

// What is not known is left out, as libtlsrpt does.
void add(Json& object, const char* name, const std::string& text) {
  if (!text.empty()) object[name] = text;
}

void add(Json& object, const char* name, const std::vector<std::string>& texts) {
  if (!texts.empty()) object[name] = texts;
}

Json failure_details(const TlsSession& session) {
  Json details;
  details["c"] = static_cast<int>(session.result);
  add(details, "s", session.own_address);
  add(details, "n", session.mx_host);
  add(details, "h", session.mx_helo);
  add(details, "r", session.mx_address);
  add(details, "f", session.reason);
  return details;
}

Json policy(const TlsSession& session) {
  const bool failed = session.result != TlsResult::kSuccess;
  Json policy;
  policy["policy-type"] = static_cast<int>(session.type);
  policy["policy-domain"] = session.policy_domain;
  add(policy, "policy-string", session.strings);
  add(policy, "mx-host", session.patterns);
  if (failed) policy["failure-details"] = Json::array({failure_details(session)});
  policy["t"] = failed ? 1 : 0;  // how many failures are listed
  policy["f"] = failed ? 1 : 0;  // did the session fail in the end?
  return policy;
}

}  // namespace

std::string tlsrpt_datagram(const TlsSession& session, const std::string& record) {
  Json json;
  json["dpv"] = "1";  // the version of this form, a text and the first field: libtlsrpt writes it since 0.5.0
  json["d"] = session.domain.text();
  json["pr"] = plain_tlsrpt_record(record);
  json["policies"] = Json::array({policy(session)});
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace mtasts
