#include "adapters/cli/check/codes.h"

#include <algorithm>
#include <array>

namespace mtasts::check {
namespace {

constexpr std::string_view kByMode = "critical in enforce, warning in testing";

constexpr std::array kCodes{
    Code{
        "record-absent", Section::kDns, "warning", "no MTA-STS record",
        "No TXT record of _mta-sts.DOMAIN begins with v=STSv1: the domain has no MTA-STS, and nothing else is checked.",
        "RFC 8461 §3.1"},
    Code{"record-multiple", Section::kDns, "critical", "several MTA-STS records",
         "Senders that find more than one record that begins with v=STSv1 act as if there were none.", "RFC 8461 §3.1"},
    Code{"record-invalid", Section::kDns, "critical", "malformed MTA-STS record",
         "The record has no id, an id that is not 1 to 32 letters and digits, or a field that is not name=value: "
         "senders "
         "act as if there were none.",
         "RFC 8461 §3.1"},
    Code{"record-wildcard", Section::kDns, "warning", "wildcard answers for the record",
         "Any name beside _mta-sts.DOMAIN has an MTA-STS record too: a wildcard in the zone announces a policy for "
         "names that have none.",
         "RFC 8461 §3.1"},
    Code{"record-nameservers-differ", Section::kDns, "critical", "nameservers disagree",
         "The authoritative servers of the zone give different records: it depends on chance which one a sender sees.",
         "RFC 8461 §3.1"},
    Code{"record-cname-dangling", Section::kDns, "critical", "CNAME to a missing name",
         "The CNAME of _mta-sts.DOMAIN or mta-sts.DOMAIN ends in a name that does not exist: whoever registers that "
         "name "
         "owns the policy.",
         "RFC 8461 §8.2"},
    Code{"record-cname-loop", Section::kDns, "critical", "CNAME loop",
         "The CNAME of _mta-sts.DOMAIN or mta-sts.DOMAIN leads back to itself: nobody can resolve it.",
         "RFC 8461 §8.2"},
    Code{"record-dns-failure", Section::kDns, "unknown", "DNS gives no answer",
         "SERVFAIL, a refusal or no answer in time for the record, the policy host, an MX host or the TLSRPT record: "
         "what "
         "depends on it could not be looked at.",
         "RFC 8461 §3.1"},
    Code{"id-stale", Section::kDns, "critical", "id does not belong to the policy",
         "The id carries the hash of another policy file, or was seen earlier with another file: senders that know the "
         "id "
         "keep the old policy.",
         "RFC 8461 §3.1"},
    Code{"removed-early", Section::kDns, "critical", "removed while senders still apply it",
         "Record or policy host are gone, but senders may still hold the policy that was seen here earlier, until its "
         "max_age is over.",
         "RFC 8461 §8.3"},
    Code{"tlsrpt-absent", Section::kDns, "warning", "no TLSRPT record",
         "No TXT record of _smtp._tls.DOMAIN begins with v=TLSRPTv1: nobody reports to you when senders fail.",
         "RFC 8460 §3"},
    Code{"tlsrpt-multiple", Section::kDns, "warning", "several TLSRPT records",
         "Senders that find more than one record that begins with v=TLSRPTv1 send no reports.", "RFC 8460 §3"},
    Code{"tlsrpt-invalid", Section::kDns, "warning", "malformed TLSRPT record",
         "The record names no mailto: or https: address in rua: senders send no reports.", "RFC 8460 §3"},

    Code{"host-no-address", Section::kPolicyHost, "critical", "policy host has no address",
         "mta-sts.DOMAIN has neither an A nor an AAAA record: senders cannot fetch the policy.", "RFC 8461 §3.3"},
    Code{"host-unreachable", Section::kPolicyHost, "critical", "policy host does not answer",
         "No TCP connection, no TLS or no HTTP answer at one address: senders that come there get no policy. Each "
         "address "
         "is judged by itself.",
         "RFC 8461 §3.3"},
    Code{"host-certificate-name", Section::kPolicyHost, "critical", "certificate for another name",
         "No DNS name in the certificate's subjectAltName matches mta-sts.DOMAIN.", "RFC 8461 §3.3"},
    Code{"host-certificate-expired", Section::kPolicyHost, "critical", "certificate expired",
         "The policy host's certificate is no longer valid, or not yet.", "RFC 8461 §3.3"},
    Code{"host-certificate-untrusted", Section::kPolicyHost, "critical", "certificate not trusted",
         "The policy host's certificate does not lead to a public certification authority: self-signed, an unknown "
         "authority, or the intermediate certificate is not sent.",
         "RFC 8461 §3.3"},
    Code{"host-certificate-cn-only", Section::kPolicyHost, "critical", "certificate without subjectAltName",
         "The name is in the Common Name only, which senders do not look at.", "RFC 8461 §3.3"},
    Code{"host-certificate-expiring", Section::kPolicyHost, "warning", "certificate expires soon",
         "Fewer than 14 days (--days) are left of the policy host's certificate.", "RFC 8461 §3.3"},
    Code{"host-tls-old", Section::kPolicyHost, "critical", "no TLS 1.2",
         "The policy host offers nothing from TLS 1.2 on.", "RFC 8461 §3.3"},
    Code{"host-redirect", Section::kPolicyHost, "critical", "policy is redirected",
         "The policy host answers with a redirect (3xx), which senders do not follow.", "RFC 8461 §3.3"},
    Code{"host-status", Section::kPolicyHost, "critical", "policy is not served",
         "The policy host answers with another HTTP status than 200.", "RFC 8461 §3.3"},
    Code{"host-content-type", Section::kPolicyHost, "critical", "not text/plain",
         "The policy has another media type than text/plain: senders refuse it.", "RFC 8461 §3.2"},
    Code{"host-too-large", Section::kPolicyHost, "critical", "policy is too large",
         "The policy file is larger than 64 KiB, where senders stop reading.", "RFC 8461 §3.3"},
    Code{"host-slow", Section::kPolicyHost, "warning over 10 s, critical over 60 s", "policy host is slow",
         "The fetch takes longer than 10 seconds; senders give up after a minute, many earlier.", "RFC 8461 §3.3"},
    Code{"host-body-differs", Section::kPolicyHost, "critical", "addresses serve different policies",
         "Two addresses of the policy host serve different files: it depends on chance which one a sender gets.",
         "RFC 8461 §3.3"},
    Code{"host-user-agent", Section::kPolicyHost, "warning", "answer depends on the client",
         "A browser is served something else than a mail server: a filter or a bot check is in the way.",
         "RFC 8461 §3.3"},

    Code{"policy-invalid", Section::kPolicy, "critical", "malformed policy",
         "The file breaks the grammar: a byte order mark, an HTML page, a missing key, a bad value; the message names "
         "the "
         "line.",
         "RFC 8461 §3.2"},
    Code{"policy-mode-none", Section::kPolicy, "information; warning with --require=enforce", "mode none",
         "The policy says that there is no policy; this is how a domain leaves MTA-STS.", "RFC 8461 §5"},
    Code{"policy-testing", Section::kPolicy, "information; warning after 90 days or with --require=enforce",
         "mode testing", "Failures are reported, and mail is delivered all the same: testing protects nothing.",
         "RFC 8461 §5"},
    Code{"policy-max-age-short", Section::kPolicy, "in enforce: warning under 14 days, critical under 1 day",
         "max_age is short", "Senders forget the policy soon; an attacker who controls DNS that long is rid of it.",
         "RFC 8461 §3.2"},
    Code{"policy-max-age-capped", Section::kPolicy, "warning", "max_age over a year",
         "max_age is over 31557600 seconds, the most that the standard allows.", "RFC 8461 §3.2"},
    Code{"policy-mx-missing", Section::kPolicy, kByMode, "MX host not in the policy",
         "No mx line of the policy allows this MX host of the domain: senders do not deliver to it.", "RFC 8461 §4.1"},
    Code{"policy-mx-unused", Section::kPolicy, "information", "mx line without a host",
         "No MX host of the domain matches this mx line.", "RFC 8461 §4.1"},
    Code{"policy-mx-broad", Section::kPolicy, "warning", "mx line allows strangers",
         "The wildcard is directly below a public suffix: everybody's hosts match it.", "RFC 8461 §4.1"},

    Code{"mx-absent", Section::kMx, "warning", "no MX record",
         "Senders deliver to the domain's own address, which is judged in the place of an MX host.", "RFC 5321 §5.1"},
    Code{"mx-null", Section::kMx, "warning", "null MX beside a policy",
         "The domain takes no mail, and publishes a policy for it.", "RFC 7505 §3"},
    Code{"mx-cname", Section::kMx, "warning", "MX host is an alias",
         "The name in the MX record has a CNAME; some senders then compare other names.", "RFC 5321 §5.1"},
    Code{"mx-unreachable", Section::kMx, "unknown", "MX host does not answer",
         "No SMTP at any address of the host, or it has none. Port 25 is blocked in many networks: try it from a mail "
         "server.",
         "RFC 5321 §5.1"},
    Code{"mx-no-starttls", Section::kMx, kByMode, "no STARTTLS",
         "The MX host does not offer STARTTLS, or no TLS session comes about.", "RFC 8461 §4"},
    Code{"mx-certificate-name", Section::kMx, kByMode, "certificate for another name",
         "No DNS name in the certificate's subjectAltName matches the MX host.", "RFC 8461 §4.2"},
    Code{"mx-certificate-expired", Section::kMx, kByMode, "certificate expired",
         "The MX host's certificate is no longer valid, or not yet.", "RFC 8461 §4.2"},
    Code{"mx-certificate-untrusted", Section::kMx, kByMode, "certificate not trusted",
         "The MX host's certificate does not lead to a public certification authority: self-signed, an unknown "
         "authority, or the intermediate certificate is not sent.",
         "RFC 8461 §4.2"},
    Code{"mx-certificate-cn-only", Section::kMx, kByMode, "certificate without subjectAltName",
         "The name is in the Common Name only, which senders do not look at.", "RFC 8461 §4.2"},
    Code{"mx-certificate-expiring", Section::kMx, "warning", "certificate expires soon",
         "Fewer than 14 days (--days) are left of the MX host's certificate.", "RFC 8461 §4.2"},
    Code{"mx-tls-old", Section::kMx, kByMode, "no TLS 1.2", "The MX host offers nothing from TLS 1.2 on.",
         "RFC 8461 §4"},
    Code{"mx-tlsa-mismatch", Section::kMx, "critical", "TLSA records do not match",
         "DNSSEC-signed TLSA records exist and none matches the certificate: senders with DANE refuse the host, "
         "whatever "
         "the policy says.",
         "RFC 7672 §3.1"},
};

}  // namespace

std::span<const Code> codes() { return kCodes; }

const Code* find_code(std::string_view name) {
  const auto* const found = std::ranges::find(kCodes, name, &Code::name);
  return found == kCodes.end() ? nullptr : found;
}

}  // namespace mtasts::check
