// The policy host, each of its addresses by itself.
#include <algorithm>
#include <cstdio>
#include <set>

#include "adapters/cli/check/judgement.h"
#include "core/timestamp.h"

namespace mtasts::check {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kSlow = seconds(10);
constexpr milliseconds kTooSlow = seconds(60);

std::string in_seconds(milliseconds took) {
  std::array<char, 32> text{};
  (void)std::snprintf(text.data(), text.size(), "%.1f s", static_cast<double>(took.count()) / 1000);
  return text.data();
}

class AddressJudge {
 public:
  AddressJudge(Judgement& judgement, const PolicyAddressFact& address) : j_(judgement), address_(address) {}

  void judge() {
    if (!address_.not_tried.empty())
      return unreachable(Severity::kUnknown, "could not be tried: " + address_.not_tried);
    if (!address_.is_connected) return unreachable(Severity::kCritical, "no connection to port 443: " + why());
    if (judge_tls()) judge_answer();
  }

 private:
  void add(std::string_view code, Severity severity, std::string message, std::string fix) {
    j_.add(code, severity, address_.address, std::move(message), std::move(fix));
  }

  [[nodiscard]] std::string why() const {
    return !address_.error.empty()       ? address_.error
           : !address_.tls.error.empty() ? address_.tls.error
           : address_.http.error.empty() ? "no reason is known"
                                         : address_.http.error;
  }

  void unreachable(Severity severity, std::string message) {
    const std::string fix = severity == Severity::kUnknown
                                ? "Check from a machine that can reach " + escaped(address_.address)
                                : "Serve " + j_.policy_url() + " there, or take " + escaped(address_.address) +
                                      " out of the " +
                                      (address_.address.find(':') == std::string::npos ? "A" : "AAAA") +
                                      " records of " + j_.facts.domain.policy_host();
    add("host-unreachable", severity, std::move(message), fix);
  }

  // True: a sender would send its request.
  bool judge_tls() {
    const TlsFact& tls = address_.tls;
    if (tls.is_too_old) {
      add("host-tls-old", Severity::kCritical, "it offers nothing from TLS 1.2 on",
          "Switch TLS 1.2 and 1.3 on in the web server, e.g. nginx: ssl_protocols TLSv1.2 TLSv1.3;");
      return false;
    }
    if (!tls.certificate) {
      unreachable(Severity::kCritical, "no TLS session: " + why());
      return false;
    }
    for (CertificateFault& fault :
         certificate_faults("host", j_.facts.domain.policy_host(), *tls.certificate, j_.facts.seen_at))
      add(fault.code, Severity::kCritical, std::move(fault.message), std::move(fault.fix));
    judge_days(*tls.certificate);
    return tls.certificate->is_good();
  }

  void judge_days(const CertificateFact& certificate) {
    const long days = days_left(certificate, j_.facts.seen_at);
    if (certificate.is_expired || days >= j_.wishes.expiring_under.count()) return;
    add("host-certificate-expiring", Severity::kWarning,
        "the certificate ends in " + std::to_string(days) + " days, at " + rfc3339(certificate.not_after),
        "Renew the certificate of " + j_.facts.domain.policy_host() + " and see why it was not renewed by itself");
  }

  void judge_answer() {
    const HttpFact& http = address_.http;
    const bool has_answer = http.status != 0 && http.error.empty();
    if (http.took > kSlow) {
      const bool is_lost = !has_answer || http.took > kTooSlow;
      add("host-slow", is_lost ? Severity::kCritical : Severity::kWarning,
          (has_answer ? "the policy took " : "no whole answer within ") + in_seconds(http.took),
          "See why the web server answers " + j_.policy_url() + " so late: it should be a static file");
    } else if (!has_answer) {
      unreachable(Severity::kCritical, "no answer over HTTPS: " + why());
    }
    if (has_answer) judge_response(http);
    judge_other_agent();
  }

  void judge_response(const HttpFact& http) {
    if (http.is_too_large) {
      add("host-too-large", Severity::kCritical, "the answer is larger than 64 KiB",
          "Serve the policy file itself at " + j_.policy_url() + ": a few lines");
    } else if (http.status >= 300 && http.status < 400) {
      add("host-redirect", Severity::kCritical,
          "status " + std::to_string(http.status) + " leads to " + in_quotes(http.location) +
              ": senders do not follow it",
          "Serve the file at " + j_.policy_url() + " itself, with status 200, outside of the rule that redirects");
    } else if (http.status != 200) {
      add("host-status", Severity::kCritical, "the web server answers with status " + std::to_string(http.status),
          "Put the policy file where " + j_.policy_url() + " is looked for, readable by the web server");
    } else if (!is_plain_text(http.content_type)) {
      add("host-content-type", Severity::kCritical,
          (http.content_type.empty() ? "there is no media type" : "the media type is " + in_quotes(http.content_type)) +
              ": senders refuse the policy",
          "Serve it as text/plain, e.g. nginx: location = /.well-known/mta-sts.txt { default_type text/plain; }");
    }
  }

  void judge_other_agent() {
    const HttpFact& ours = address_.http;
    const auto& other = address_.other_agent;
    if (!other || other->status == 0 || !other->error.empty() || ours.status == 0 || !ours.error.empty()) return;
    const bool is_same = ours.status == other->status && ours.is_too_large == other->is_too_large &&
                         (ours.is_too_large || ours.status != 200 || ours.body == other->body);
    if (is_same) return;
    add("host-user-agent", Severity::kWarning,
        ours.status == other->status ? "a browser gets another file than a mail server"
                                     : "a browser gets status " + std::to_string(other->status) + ", a mail server " +
                                           std::to_string(ours.status),
        "Take " + j_.policy_url() + " out of bot checks, filters and rules that look at the User-Agent");
  }

  Judgement& j_;
  const PolicyAddressFact& address_;
};

void judge_addresses(Judgement& j) {
  const std::string name = j.facts.domain.policy_host();
  if (j.facts.host_addresses.outcome == DnsFact::Outcome::kFailed) {
    j.add("record-dns-failure", Severity::kUnknown, name,
          "its addresses cannot be asked for: " + j.facts.host_addresses.error,
          "See whether the nameservers of the zone answer for A and AAAA at " + name);
  } else if (is_gone(j.facts.host_addresses)) {
    j.add("host-no-address", Severity::kCritical, name, "it has neither an A nor an AAAA record",
          "Publish the address of the web server that serves the policy: " + name +
              ". IN A 192.0.2.1 (yours in its place)");
  }
}

void judge_bodies(Judgement& j) {
  std::set<std::string_view> bodies;
  std::vector<std::string> addresses;
  for (const PolicyAddressFact& address : j.facts.host) {
    if (!serves_file(address)) continue;
    bodies.insert(address.http.body);
    addresses.push_back(escaped(address.address));
  }
  if (bodies.size() < 2) return;
  j.add("host-body-differs", Severity::kCritical, j.facts.domain.policy_host(),
        "its addresses serve " + std::to_string(bodies.size()) + " different policies: " + joined(addresses),
        "Serve the same file at every address, " + joined(addresses) + j.then_new_id());
}

}  // namespace

long days_left(const CertificateFact& certificate, WallTime now) {
  return static_cast<long>(std::chrono::floor<std::chrono::days>(certificate.not_after - now).count());
}

std::vector<CertificateFault> certificate_faults(std::string_view prefix, const std::string& name,
                                                 const CertificateFact& certificate, WallTime now) {
  std::vector<CertificateFault> faults;
  const std::string detail = certificate.detail.empty() ? "" : " (" + certificate.detail + ")";
  const auto add = [&](std::string_view host, std::string_view mx, std::string message, std::string fix) {
    faults.push_back({prefix == "host" ? host : mx, std::move(message), std::move(fix)});
  };
  if (certificate.is_for_another_name)
    add("host-certificate-name", "mx-certificate-name",
        "the certificate is for " + escaped(joined(certificate.names), 200) + ", not for " + name,
        "Get a certificate with the DNS name " + name + " and install it there");
  if (certificate.is_expired)
    add("host-certificate-expired", "mx-certificate-expired",
        certificate.not_after <= now ? "the certificate ended at " + rfc3339(certificate.not_after)
                                     : "the certificate or one above it has ended or is not valid yet" + detail,
        "Renew the certificate of " + name + " and have the server load it");
  if (certificate.is_untrusted)
    add("host-certificate-untrusted", "mx-certificate-untrusted",
        "the certificate does not lead to a certification authority that senders trust" + detail,
        "Install a certificate of a public authority for " + name +
            " with all intermediate certificates (certbot's fullchain.pem)");
  if (certificate.has_only_common_name)
    add("host-certificate-cn-only", "mx-certificate-cn-only",
        "the certificate has the name as Common Name only, which senders do not look at",
        "Get a certificate with " + name + " in its subjectAltName");
  return faults;
}

void judge_policy_host(Judgement& j) {
  if (!judge_alias(j, j.facts.domain.policy_host(), j.facts.host_alias)) judge_addresses(j);
  for (const PolicyAddressFact& address : j.facts.host) AddressJudge(j, address).judge();
  judge_bodies(j);
}

}  // namespace mtasts::check
