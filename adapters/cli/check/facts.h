// What was seen of a domain's MTA-STS set-up from outside: DNS, policy host, MX hosts. Facts only; check/judge says
// what they mean. Bytes from peers are as they came: whoever prints them escapes them (core/result.h).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/domain.h"
#include "core/inspection.h"
#include "core/time.h"

namespace mtasts::check {

using mtasts::CertificateFact;
using mtasts::HttpFact;
using mtasts::MxAddressFact;
using mtasts::PolicyAddressFact;
using mtasts::TlsFact;

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

// The answer of one authoritative server at one of its addresses: the TXT records, or the alias that stands there as
// one value "CNAME target". `address` is empty where the server's name has none.
struct NameserverFact {
  std::string name;
  std::string address;
  DnsFact record;
};

struct MxFact {
  std::string host;
  unsigned preference = 0;
  AliasFact alias{};
  DnsFact addresses{};
  DnsFact tlsa{};  // values: "usage selector matching hex"
  std::vector<MxAddressFact> sessions{};
};

// Of a name mta-sts.<parent> without a record of its own: what tells a policy host from a mail domain of that name.
struct PolicyHostNameFact {
  Domain parent;
  DnsFact mx{};  // of the name itself
  DnsFact parent_record{};
  DnsFact parent_mx{};
};

struct Facts {
  Domain domain;
  WallTime seen_at{};
  // _mta-sts.<domain>: every TXT record found there
  DnsFact record{};
  AliasFact record_alias{};
  std::vector<NameserverFact> record_servers{};  // the zone's authoritative servers; empty where they are not known
  std::vector<NameserverFact> target_servers{};  // of an alias: those of the zone where it ends, for the name there
  bool is_record_wildcard = false;               // a random name beside it answers with an STS record, too
  std::optional<PolicyHostNameFact> policy_host_name{};
  // mta-sts.<domain>
  AliasFact host_alias{};
  DnsFact host_addresses{};
  std::vector<PolicyAddressFact> host{};
  // MX of the domain, values "preference host"; without any its own address counts (RFC 5321 §5.1) and `mx` has the
  // domain itself
  DnsFact mx_records{};
  bool is_null_mx = false;
  std::vector<MxFact> mx{};
  // _smtp._tls.<domain>: every TXT record found there
  DnsFact tlsrpt{};
};

}  // namespace mtasts::check
