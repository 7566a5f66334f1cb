// Facts as an observer brings them: a domain in order, which each test spoils in its own way.
#pragma once

#include <string>
#include <vector>

#include "adapters/cli/check/judge.h"
#include "adapters/cli/check/record_id.h"

namespace mtasts::check {

inline constexpr WallTime kNow{std::chrono::seconds{1'764'000'000}};  // 2025-11-24T16:00:00Z

inline Domain domain(const std::string& name = "example.com") { return Domain::parse(name).value(); }

inline DnsFact found(std::vector<std::string> values) {
  return {DnsFact::Outcome::kFound, std::move(values), "", false};
}
inline DnsFact no_data() { return {DnsFact::Outcome::kNoData, {}, "", false}; }
inline DnsFact no_name() { return {DnsFact::Outcome::kNxDomain, {}, "", false}; }
inline DnsFact failed(std::string why = "SERVFAIL") { return {DnsFact::Outcome::kFailed, {}, std::move(why), false}; }

inline TlsFact good_tls(const std::string& name, int days = 60) {
  CertificateFact certificate;
  certificate.names = {name};
  certificate.not_after = kNow + std::chrono::days(days);
  return {certificate, false, "TLSv1.3", ""};
}

inline std::string body(const std::string& mode = "enforce", const std::string& age = "2592000",
                        const std::string& mx = "mx.example.com") {
  return "version: STSv1\r\nmode: " + mode + "\r\nmx: " + mx + "\r\nmax_age: " + age + "\r\n";
}

inline PolicyAddressFact policy_address(const std::string& address = "192.0.2.1", const std::string& served = body()) {
  PolicyAddressFact fact;
  fact.address = address;
  fact.is_connected = true;
  fact.tls = good_tls("mta-sts.example.com");
  fact.http = {200, "", "text/plain", served, false, std::chrono::milliseconds(120), ""};
  fact.other_agent = fact.http;
  return fact;
}

inline MxAddressFact mx_address(const std::string& host, const std::string& address = "192.0.2.25") {
  MxAddressFact fact;
  fact.address = address;
  fact.is_reached = true;
  fact.offers_starttls = true;
  fact.tls = good_tls(host);
  return fact;
}

inline MxFact mx(const std::string& host = "mx.example.com") {
  MxFact fact;
  fact.host = host;
  fact.preference = 10;
  fact.addresses = found({"192.0.2.25"});
  fact.tlsa = no_data();
  fact.sessions = {mx_address(host)};
  return fact;
}

// Nothing is wrong with it.
inline Facts good_facts() {
  Facts facts{domain()};
  facts.seen_at = kNow;
  facts.record = found({"v=STSv1; id=20251101T1"});
  facts.host_addresses = found({"192.0.2.1"});
  facts.host = {policy_address()};
  facts.mx_records = found({"10 mx.example.com"});
  facts.mx = {mx()};
  facts.tlsrpt = found({"v=TLSRPTv1; rua=mailto:tls@example.com"});
  return facts;
}

inline void serve(Facts& facts, const std::string& text) {
  for (PolicyAddressFact& address : facts.host) {
    address.http.body = text;
    if (address.other_agent) address.other_agent->body = text;
  }
}

inline std::vector<std::string> codes_in(const Report& report) {
  std::vector<std::string> codes;
  for (const Finding& finding : report.findings) codes.emplace_back(finding.code);
  return codes;
}

}  // namespace mtasts::check
