#include "module/tlsrpt/datagram.h"

#include <nlohmann/json.hpp>

namespace mtasts {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kTypeSts = 2;  // the policy type `sts`

// The number that stands for a result type, 0 for none.
int number_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kStartTlsNotSupported:
      return 201;
    case ErrorCode::kCertificateHostMismatch:
      return 202;
    case ErrorCode::kCertificateNotTrusted:
      return 203;
    case ErrorCode::kCertificateExpired:
      return 204;
    case ErrorCode::kValidationFailure:
      return 205;
    default:
      return 0;
  }
}

Json failure_details(const TlsSession& session) {
  const Error& error = session.trial.result.error();
  Json details;
  details["c"] = number_of(error.code);
  if (!session.trial.own_address.empty()) details["s"] = session.trial.own_address;
  details["n"] = session.mx_host;
  if (!session.trial.mx_address.empty()) details["r"] = session.trial.mx_address;
  details["f"] = error.detail;
  return details;
}

Json policy(const TlsSession& session) {
  const bool failed = !session.trial.result;
  Json policy;
  policy["policy-type"] = kTypeSts;
  policy["policy-domain"] = session.domain.text();
  policy["policy-string"] = policy_strings(session.policy.body);
  policy["mx-host"] = session.policy.policy.mx;
  if (failed) policy["failure-details"] = Json::array({failure_details(session)});
  policy["t"] = failed ? 1 : 0;  // how many failures are listed
  policy["f"] = failed ? 1 : 0;  // did the session fail in the end?
  return policy;
}

}  // namespace

bool is_reported(const MxTrial& trial) { return trial.result || number_of(trial.result.error().code) != 0; }

std::string tlsrpt_datagram(const TlsSession& session, const std::string& record) {
  Json json;
  json["d"] = session.domain.text();
  json["pr"] = record;
  json["policies"] = Json::array({policy(session)});
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace mtasts
