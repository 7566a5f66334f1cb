#include "adapters/cli/check/json.h"

#include <nlohmann/json.hpp>

#include "adapters/cli/check/judgement.h"
#include "adapters/cli/check/reading.h"
#include "adapters/cli/check/sha256.h"
#include "core/mx_match.h"
#include "core/timestamp.h"
#include "core/tlsrpt_record.h"

namespace mtasts::check {
namespace {

using Json = nlohmann::ordered_json;
using Outcome = DnsFact::Outcome;

constexpr int kSchema = 1;

Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

std::string outcome_word(Outcome outcome) {
  switch (outcome) {
    case Outcome::kFound:
      return "found";
    case Outcome::kNoData:
    case Outcome::kNxDomain:
      return "absent";
    case Outcome::kFailed:
      return "failed";
    case Outcome::kNotAsked:
      break;
  }
  return "not-asked";
}

Json dns_json(const std::string& name, const DnsFact& fact, const std::vector<std::string>& records) {
  Json json;
  json["name"] = name;
  json["dns"] = outcome_word(fact.outcome);
  json["dnssec"] = fact.authenticated;
  json["error"] = text_or_null(fact.error);
  json["texts"] = records;
  return json;
}

Json record_json(const Facts& facts, const Reading& reading) {
  Json json = dns_json(facts.domain.record_name(), facts.record, sts_records(facts.record));
  json["id"] = text_or_null(reading.record.id);
  json["cname"] = facts.record_alias.chain;
  json["nameservers"] = Json::array();
  for (const NameserverFact& server : facts.record_servers) {
    json["nameservers"].push_back({{"name", server.name},
                                   {"address", server.address},
                                   {"dns", outcome_word(server.record.outcome)},
                                   {"texts", sts_records(server.record)}});
  }
  return json;
}

Json policy_json(const Facts& facts, const Reading& reading) {
  Json json;
  json["url"] = "https://" + facts.domain.policy_host() + "/.well-known/mta-sts.txt";
  json["valid"] = reading.policy.has_value();
  json["mode"] = reading.policy ? Json(mode_name(reading.policy->mode)) : Json();
  json["max_age"] = reading.policy ? Json(reading.policy->max_age.count()) : Json();
  json["mx"] = reading.policy ? Json(reading.policy->mx) : Json::array();
  json["sha256"] = reading.source != nullptr ? Json(sha256_hex(reading.source->http.body)) : Json();
  return json;
}

Json certificate_json(const TlsFact& tls, WallTime now) {
  if (!tls.certificate) return {};
  const CertificateFact& certificate = *tls.certificate;
  Json json;
  json["valid"] = certificate.is_good();
  json["names"] = certificate.names;
  json["not_after"] = rfc3339(certificate.not_after);
  json["days_left"] = days_left(certificate, now);
  json["error"] = text_or_null(certificate.detail);
  return json;
}

Json tls_version(const TlsFact& tls) { return text_or_null(tls.version); }

Json policy_host_json(const Facts& facts) {
  Json list = Json::array();
  for (const PolicyAddressFact& address : facts.host) {
    Json json;
    json["address"] = address.address;
    json["reached"] = address.is_connected;
    json["tls"] = tls_version(address.tls);
    json["certificate"] = certificate_json(address.tls, facts.seen_at);
    json["status"] = address.http.status == 0 ? Json() : Json(address.http.status);
    json["content_type"] = text_or_null(address.http.content_type);
    json["location"] = text_or_null(address.http.location);
    json["seconds"] = static_cast<double>(address.http.took.count()) / 1000;
    json["serves_policy"] = serves_policy(address);
    json["error"] = text_or_null(!address.not_tried.empty()   ? address.not_tried
                                 : !address.error.empty()     ? address.error
                                 : !address.tls.error.empty() ? address.tls.error
                                                              : address.http.error);
    list.push_back(std::move(json));
  }
  return list;
}

Json session_json(const MxAddressFact& session, WallTime now) {
  Json json;
  json["address"] = session.address;
  json["reached"] = session.is_reached;
  json["starttls"] = session.offers_starttls;
  json["tls"] = tls_version(session.tls);
  json["certificate"] = certificate_json(session.tls, now);
  json["tlsa"] = !session.matches_tlsa ? Json() : Json(*session.matches_tlsa ? "match" : "mismatch");
  json["error"] = text_or_null(!session.not_tried.empty() ? session.not_tried
                               : !session.error.empty()   ? session.error
                                                          : session.tls.error);
  return json;
}

std::string verdict_word(MxVerdict verdict) {
  switch (verdict) {
    case MxVerdict::kGood:
      return "good";
    case MxVerdict::kRefused:
      return "refused";
    case MxVerdict::kUnknown:
      break;
  }
  return "unknown";
}

Json mx_json(const Facts& facts, const Reading& reading) {
  Json list = Json::array();
  for (const MxFact& mx : facts.mx) {
    Json json;
    json["host"] = mx.host;
    json["preference"] = mx.preference;
    json["cname"] = mx.alias.chain;
    json["in_policy"] = reading.policy && !reading.is_none() ? Json(mx_allowed(reading.policy->mx, mx.host)) : Json();
    json["verdict"] = verdict_word(verdict(mx, reading));
    json["addresses"] = Json::array();
    for (const MxAddressFact& session : mx.sessions) json["addresses"].push_back(session_json(session, facts.seen_at));
    list.push_back(std::move(json));
  }
  return list;
}

Json tlsrpt_json(const Facts& facts) {
  const auto records = tlsrpt_records(facts.tlsrpt);
  Json json = dns_json("_smtp._tls." + facts.domain.text(), facts.tlsrpt, records);
  json["valid"] = tlsrpt_record(records).has_value();
  return json;
}

Json findings_json(const Report& report) {
  Json list = Json::array();
  for (const Finding& finding : report.findings) {
    list.push_back({{"code", finding.code},
                    {"severity", severity_name(finding.severity)},
                    {"subject", finding.subject},
                    {"message", finding.message},
                    {"fix", finding.fix},
                    {"rfc", finding.rfc}});
  }
  return list;
}

}  // namespace

std::string to_json(const Report& report) {
  const Reading reading = read(report.facts);
  const Severity severity = worst(report);
  Json json;
  json["schema"] = kSchema;
  json["domain"] = report.facts.domain.text();
  json["status"] = status_word(severity);
  json["exit"] = exit_code(severity);
  json["record"] = record_json(report.facts, reading);
  json["policy"] = policy_json(report.facts, reading);
  json["policy_host"] = policy_host_json(report.facts);
  json["mx"] = mx_json(report.facts, reading);
  json["tlsrpt"] = tlsrpt_json(report.facts);
  json["findings"] = findings_json(report);
  // A terminal may be at the end of the pipe: no byte of a peer's that it could take for a command.
  constexpr bool kAsciiOnly = true;
  return json.dump(-1, ' ', kAsciiOnly, Json::error_handler_t::replace);
}

}  // namespace mtasts::check
