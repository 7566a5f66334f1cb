// What an audit sees of a policy host, an MX host and a zone's own servers, each at one address, and the interfaces
// that look: dns/ implements ServerQuestions, fetch/ HostInspector. Facts only, also where a lookup would have ended
// long before. Bytes from peers are as they came: whoever prints them escapes them; errors are sentences, escaped.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/domain.h"
#include "core/ports.h"
#include "core/time.h"

namespace mtasts {

struct CertificateFact {
  // Each independent of the others; a certificate can have several.
  bool is_expired = false;  // or not valid yet
  bool is_untrusted = false;
  bool is_for_another_name = false;   // it has names of type DNS, and none matches
  bool has_only_common_name = false;  // it has no name of type DNS, and its CN matches
  std::string detail{};               // of the most serious fault, one sentence, escaped; empty without a fault
  std::vector<std::string> names{};   // subjectAltName, type DNS
  WallTime not_after{};

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
  // Why nothing was found out about it, the fault being on this side (no IPv6 here, no time left): a sentence, escaped.
  // Nothing else is filled in then.
  std::string not_tried{};
  bool is_connected = false;  // TCP
  std::string error{};        // why not: a sentence, escaped
  TlsFact tls{};
  HttpFact http{};                        // with this program's User-Agent
  std::optional<HttpFact> other_agent{};  // the same with a browser's; only where the first was answered
};

// An MX host at one address.
struct MxAddressFact {
  std::string address;
  std::string not_tried{};  // as of the policy host
  bool is_reached = false;  // there was an SMTP greeting and an answer to EHLO
  std::string error{};      // why it was not reached: a sentence, escaped
  bool offers_starttls = false;
  TlsFact tls{};
  // DNSSEC-signed, usable TLSA records: does one of them match the chain that was served? nullopt: there are none.
  std::optional<bool> matches_tlsa{};
};

class ServerQuestions {
 public:
  enum class Type { kTxt, kCname };
  using Callback = Resolver::Callback<std::string>;

  virtual ~ServerQuestions() = default;
  // What the authoritative server at this address says itself, over TCP and without recursion. Of TXT as
  // Resolver::txt: `owner` is another name where a CNAME stands in its place. Errors as of a Resolver; kUnreachable:
  // an address that strangers' names must not lead to (`[fetch] allow_private`).
  virtual void ask(const std::string& address, const std::string& name, Type type, Callback done) = 0;
};

class HostInspector {
 public:
  using PolicyHostDone = std::function<void(PolicyAddressFact)>;
  using MxHostDone = std::function<void(MxAddressFact)>;

  virtual ~HostInspector() = default;
  // One address of mta-sts.<domain>, as strict as a Fetcher. Addresses that strangers' names must not lead to are not
  // connected to; the fact says so.
  virtual void policy_host(const Domain& domain, const std::string& address, PolicyHostDone done) = 0;
  // One address of an MX host. `tlsa`: its TLSA records if they are signed, otherwise none.
  virtual void mx_host(const Domain& host, const std::string& address, const std::vector<TlsaRecord>& tlsa,
                       MxHostDone done) = 0;
};

}  // namespace mtasts
