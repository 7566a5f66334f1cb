// What an audit would see of domains, without a network: the tests say what DNS has, the web tree is served.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "adapters/cli/check/report.h"
#include "adapters/cli/publish/publish.h"

namespace mtasts::publish {

inline Domain domain(const std::string& name) { return *Domain::parse(name); }

struct Seen {
  std::vector<std::string> txt{};
  std::vector<std::string> addresses{"192.0.2.1"};
  std::string host_alias{};
  std::string record_alias{};
  std::vector<std::string> mx{"mx1.example.com"};
  std::vector<std::string> tlsrpt{};
  std::optional<std::string> body{};  // what every address serves; nullopt: 404
  std::vector<check::Finding> findings{};
  bool is_connected = true;
  bool has_certificate = true;
  bool has_dns = true;
};

inline check::DnsFact found(std::vector<std::string> values) {
  using Outcome = check::DnsFact::Outcome;
  return {values.empty() ? Outcome::kNxDomain : Outcome::kFound, std::move(values)};
}

inline check::Report report_of(const Domain& name, const Seen& seen) {
  check::Report report{check::Facts{name}, seen.findings, ""};
  check::Facts& facts = report.facts;
  facts.record = found(seen.txt);
  facts.host_addresses = found(seen.addresses);
  facts.tlsrpt = found(seen.tlsrpt);
  facts.mx_records = found({"10 mx"});
  if (!seen.has_dns) facts.record = {check::DnsFact::Outcome::kFailed, {}, "SERVFAIL"};
  if (!seen.host_alias.empty()) facts.host_alias = {check::AliasFact::Kind::kAlias, {seen.host_alias}};
  if (!seen.record_alias.empty()) facts.record_alias = {check::AliasFact::Kind::kAlias, {seen.record_alias}};
  for (const auto& host : seen.mx) facts.mx.push_back({host});
  for (const auto& address : seen.addresses) {
    check::PolicyAddressFact at;
    at.address = address;
    at.is_connected = seen.is_connected;
    if (at.is_connected && seen.has_certificate) {
      at.tls.certificate.emplace();
      at.http.status = seen.body ? 200 : 404;
      at.http.content_type = "text/plain";
      at.http.body = seen.body.value_or("");
    }
    facts.host.push_back(at);
  }
  return report;
}

// Serves the web tree at `root`.
class Internet {
 public:
  explicit Internet(std::string root) : root_(std::move(root)) {}

  Seen& operator[](const std::string& name) { return domains_[name]; }
  std::string file(const std::string& name) const { return root_ + "/mta-sts." + name + "/.well-known/mta-sts.txt"; }
  [[nodiscard]] std::optional<std::string> read(const std::string& path) const {
    std::ifstream stream(path, std::ios::binary);
    if (!stream) return std::nullopt;
    return std::string{std::istreambuf_iterator<char>(stream), {}};
  }
  std::vector<Result<check::Report>> observe(const std::vector<Domain>& names) {
    std::vector<Result<check::Report>> reports;
    for (const Domain& name : names) {
      Seen seen = domains_[name.text()];
      if (!seen.body)
        seen.body = read(file(seen.host_alias.starts_with("mta-sts.") ? seen.host_alias.substr(8) : name.text()));
      reports.push_back(report_of(name, seen));
    }
    return reports;
  }

 private:
  std::string root_;
  std::map<std::string, Seen> domains_;
};

}  // namespace mtasts::publish
