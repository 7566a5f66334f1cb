// What was seen of a domain's MTA-STS set-up from outside: DNS, policy host, MX hosts. Facts only; check/judge says
// what they mean. Bytes from peers are as they came: whoever prints them escapes them (core/result.h).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/domain.h"

namespace mtasts::check {

// One question to DNS. Text fields are names in lower case without trailing dot, addresses in presentation form, or
// the octets of a TXT record with its strings joined.
struct DnsFact {
  enum class Outcome {
    kFound,
    kNoData,    // the name exists, without that type
    kNxDomain,  // the name does not exist
    kFailed,    // SERVFAIL, timeout, no answer: nothing is known
    kNotAsked,
  };
  Outcome outcome = Outcome::kNotAsked;
  std::vector<std::string> values{};
  std::string error{};         // of kFailed: a sentence for a person, escaped
  bool authenticated = false;  // DNSSEC, as the resolver says
};

// Where a name leads to by CNAME.
struct AliasFact {
  enum class Kind {
    kNone,      // no CNAME
    kAlias,     // ends in a name that exists
    kDangling,  // ends in NXDOMAIN
    kLoop,
  };
  Kind kind = Kind::kNone;
  std::vector<std::string> chain{};  // the targets, in order
};

// The answer of one authoritative server at one of its addresses.
struct NameserverFact {
  std::string name;
  std::string address;
  DnsFact record;
};

struct CertificateFact {
  // Each independent of the others; a certificate can have several.
  bool is_expired = false;  // or not valid yet
  bool is_untrusted = false;
  bool is_for_another_name = false;   // it has names of type DNS, and none matches
  bool has_only_common_name = false;  // it has no name of type DNS, and its CN matches
  std::string detail{};               // of the gravest fault, one sentence, escaped; empty without a fault
  std::vector<std::string> names{};   // subjectAltName, type DNS
  std::chrono::sys_seconds not_after{};

  [[nodiscard]] bool is_good() const {
    return !is_expired && !is_untrusted && !is_for_another_name && !has_only_common_name;
  }
};

// How far TLS with one address came. Without a certificate and without `is_too_old` there was no session: `error`.
struct TlsFact {
  std::optional<CertificateFact> certificate{};
  bool is_too_old = false;  // the peer offers nothing from TLS 1.2 on
  std::string version{};    // "TLSv1.3"
  std::string error{};      // a sentence, escaped
};

// One GET of the policy file.
struct HttpFact {
  long status = 0;  // 0: no answer
  std::string location{};
  std::string content_type{};
  std::string body{};
  bool is_too_large = false;
  std::chrono::milliseconds took{0};  // from the first packet to the last byte, or to giving up
  std::string error{};                // where there is no whole answer: a sentence, escaped
};

// The policy host at one address.
struct PolicyAddressFact {
  std::string address;
  bool is_connected = false;  // TCP
  TlsFact tls{};
  HttpFact http{};                        // with this program's User-Agent
  std::optional<HttpFact> other_agent{};  // the same with a browser's; only where the first was answered
};

// An MX host at one address.
struct MxAddressFact {
  std::string address;
  bool is_reached = false;  // there was an SMTP greeting and an answer to EHLO
  std::string error{};      // why it was not reached: a sentence, escaped
  bool offers_starttls = false;
  TlsFact tls{};
  // DNSSEC-signed, usable TLSA records: does one of them match the chain that was served? nullopt: there are none.
  std::optional<bool> matches_tlsa{};
};

struct MxFact {
  std::string host;
  unsigned preference = 0;
  AliasFact alias{};
  DnsFact addresses{};
  DnsFact tlsa{};  // values: "usage selector matching hex"
  std::vector<MxAddressFact> sessions{};
};

struct Facts {
  Domain domain;
  std::chrono::sys_seconds seen_at{};
  // _mta-sts.<domain>: every TXT record found there
  DnsFact record{};
  AliasFact record_alias{};
  std::vector<NameserverFact> record_servers{};  // the zone's authoritative servers; empty where they are not known
  bool is_record_wildcard = false;               // a random name beside it answers with an STS record, too
  // mta-sts.<domain>
  AliasFact host_alias{};
  DnsFact host_addresses{};
  std::vector<PolicyAddressFact> host{};
  // MX of the domain; without any its own address counts (RFC 5321 §5.1) and `mx` has the domain itself
  DnsFact mx_records{};
  bool is_null_mx = false;
  std::vector<MxFact> mx{};
  // _smtp._tls.<domain>: every TXT record found there
  DnsFact tlsrpt{};
};

}  // namespace mtasts::check
