// The MX hosts, each with all of its addresses.
#include <algorithm>
#include <functional>

#include "adapters/cli/check/judgement.h"
#include "core/timestamp.h"

namespace mtasts::check {
namespace {

using Outcome = DnsFact::Outcome;
using Addresses = std::vector<const MxAddressFact*>;

// What senders that enforce the policy stumble over.
Severity severity_of_fault(const Reading& reading) {
  if (reading.enforces()) return Severity::kCritical;
  return reading.is_none() ? Severity::kInfo : Severity::kWarning;
}

class HostJudge {
 public:
  HostJudge(Judgement& judgement, const MxFact& mx) : j_(judgement), mx_(mx), host_(escaped(mx.host)) {}

  void judge() {
    if (mx_.alias.kind != AliasFact::Kind::kNone)
      add("mx-cname", Severity::kWarning,
          "the name in the MX record is an alias of " + escaped(joined(mx_.alias.chain, " -> ")),
          "Name the host itself in the MX record of " + j_.facts.domain.text() + ", or give " + host_ +
              " A and AAAA records of its own");
    if (mx_.addresses.outcome == Outcome::kFailed) {
      add("record-dns-failure", Severity::kUnknown, "its addresses cannot be asked for: " + mx_.addresses.error,
          "See whether the nameservers answer for A and AAAA at " + host_);
    } else if (mx_.addresses.outcome != Outcome::kNotAsked) {
      judge_sessions();
    }
  }

 private:
  void add(std::string_view code, Severity severity, std::string message, std::string fix) {
    j_.add(code, severity, mx_.host, std::move(message), std::move(fix));
  }

  // The addresses of which something holds; once for all that have it in common.
  [[nodiscard]] Addresses where(const std::function<bool(const MxAddressFact&)>& holds) const {
    Addresses found;
    for (const MxAddressFact& session : mx_.sessions)
      if (session.is_reached && holds(session)) found.push_back(&session);
    return found;
  }

  // " (at 192.0.2.1)", where other addresses of the host are different.
  [[nodiscard]] std::string at(const Addresses& addresses) const {
    if (addresses.size() == mx_.sessions.size()) return "";
    std::vector<std::string> texts;
    for (const MxAddressFact* session : addresses) texts.push_back(escaped(session->address));
    return " (at " + joined(texts) + ")";
  }

  void judge_sessions() {
    if (where([](const auto&) { return true; }).empty()) {
      std::string why = "it has no address";
      for (const MxAddressFact& session : mx_.sessions)
        why = escaped(session.address) + ": " + (session.not_tried.empty() ? session.error : session.not_tried);
      add("mx-unreachable", Severity::kUnknown, "no SMTP session: " + why,
          is_gone(mx_.addresses) ? "Publish an A or AAAA record for " + host_ + ", or delete its MX record"
                                 : "See whether " + host_ +
                                       " answers at port 25; many networks block it, so check "
                                       "from a mail server");
      return;
    }
    judge_starttls();
    judge_certificates();
    judge_tlsa();
  }

  void judge_starttls() {
    const Severity severity = severity_of_fault(j_.reading);
    const auto plain = where([](const auto& s) { return !s.offers_starttls; });
    const auto broken =
        where([](const auto& s) { return s.offers_starttls && !s.tls.is_too_old && !s.tls.certificate; });
    if (!plain.empty())
      add("mx-no-starttls", severity, "STARTTLS is not offered" + at(plain),
          "Switch STARTTLS on, e.g. Postfix: smtpd_tls_security_level = may, with smtpd_tls_chain_files");
    else if (!broken.empty())
      add("mx-no-starttls", severity,
          "STARTTLS is offered, but no TLS session comes about" + at(broken) + ": " + broken.front()->tls.error,
          "See in the log of " + host_ + " why the TLS handshake fails; often it cannot read its key or certificate");
    if (const auto old = where([](const auto& s) { return s.tls.is_too_old; }); !old.empty())
      add("mx-tls-old", severity, "it offers nothing from TLS 1.2 on" + at(old),
          "Switch TLS 1.2 and 1.3 on, e.g. Postfix: smtpd_tls_protocols = >=TLSv1.2");
  }

  void judge_certificates() {
    std::vector<CertificateFault> told;
    for (const MxAddressFact& session : mx_.sessions) {
      if (!session.is_reached || !session.tls.certificate) continue;
      for (CertificateFault& fault : certificate_faults("mx", host_, *session.tls.certificate, j_.facts.seen_at)) {
        if (std::ranges::any_of(told, [&](const auto& other) { return other.code == fault.code; })) continue;
        const auto same = where([&](const MxAddressFact& other) { return has_fault(other, fault.code); });
        add(fault.code, severity_of_fault(j_.reading), fault.message + at(same), fault.fix);
        told.push_back(std::move(fault));
      }
    }
    judge_days();
  }

  [[nodiscard]] bool has_fault(const MxAddressFact& session, std::string_view code) const {
    if (!session.tls.certificate) return false;
    const auto faults = certificate_faults("mx", host_, *session.tls.certificate, j_.facts.seen_at);
    return std::ranges::any_of(faults, [code](const auto& fault) { return fault.code == code; });
  }

  void judge_days() {
    const auto expiring = where([&](const MxAddressFact& session) {
      const auto& certificate = session.tls.certificate;
      return certificate && !certificate->is_expired &&
             days_left(*certificate, j_.facts.seen_at) < j_.wishes.expiring_under.count();
    });
    if (expiring.empty()) return;
    const CertificateFact& certificate = *expiring.front()->tls.certificate;
    add("mx-certificate-expiring", j_.reading.is_none() ? Severity::kInfo : Severity::kWarning,
        "the certificate ends in " + std::to_string(days_left(certificate, j_.facts.seen_at)) + " days, at " +
            rfc3339(certificate.not_after) + at(expiring),
        "Renew the certificate of " + host_ + " and see why it was not renewed by itself");
  }

  void judge_tlsa() {
    const auto wrong = where([](const auto& s) { return s.matches_tlsa.has_value() && !*s.matches_tlsa; });
    if (wrong.empty()) return;
    add("mx-tlsa-mismatch", Severity::kCritical,
        "none of its DNSSEC-signed TLSA records matches the certificate" + at(wrong) +
            ": senders with DANE refuse the host",
        "Publish a TLSA record for the new key at _25._tcp." + host_ + ", or go back to the key that is published");
  }

  Judgement& j_;
  const MxFact& mx_;
  std::string host_;
};

}  // namespace

void judge_mx(Judgement& j) {
  const std::string& domain = j.facts.domain.text();
  if (j.facts.mx_records.outcome == Outcome::kFailed) {
    j.add("record-dns-failure", Severity::kUnknown, domain,
          "its MX records cannot be asked for: " + j.facts.mx_records.error,
          "See whether the nameservers of the zone answer for MX at " + domain);
    return;
  }
  if (j.facts.is_null_mx) {
    j.add("mx-null", Severity::kWarning, domain, "the MX record says that the domain takes no mail, beside a policy",
          "If the domain takes no mail, delete the TXT record at " + j.facts.domain.record_name() +
              " once senders have forgotten the policy; otherwise replace the MX record");
    return;
  }
  if (is_gone(j.facts.mx_records))
    j.add("mx-absent", Severity::kWarning, domain, "there is no MX record: senders deliver to the domain's own address",
          "Publish the host that takes the mail: " + domain + ". IN MX 10 mx." + domain + ".");
  for (const MxFact& mx : j.facts.mx) HostJudge(j, mx).judge();
}

}  // namespace mtasts::check
