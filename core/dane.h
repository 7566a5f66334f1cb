// What DNSSEC says of a domain's MX hosts: is it DANE that judges them (R29, RFC 7672)? Decides what to ask next and
// what the answers mean; module/engine/dane_lookup asks. Every answer counts as the resolver gave it: `authenticated`
// is DNSSEC's word, an error is a failed or bogus lookup, which never makes the result weaker.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/cache_entry.h"
#include "core/domain.h"
#include "core/ports.h"
#include "core/result.h"

namespace mtasts {

// Does this record say how a server authenticates itself? PKIX-TA and PKIX-EE do not count in SMTP (RFC 7672 §3.1.3).
bool is_usable(const TlsaRecord& record);

struct DaneHost {
  enum class Kind {
    kNone,    // DANE has no say
    kUsable,  // DANE alone judges it
    kFailed,  // could not be found out: nothing may be sent to it without knowing
  };
  std::string name;
  Kind kind = Kind::kNone;
  std::string reason;           // of kNone and kFailed
  std::chrono::seconds ttl{0};  // of kNone and kUsable
  bool is_alias = false;        // of kUsable: not what the MTA will call it
  bool not_tried = false;       // of kFailed: for a reason of our own
};

struct DaneFinding {
  using Kind = DaneState;
  Kind kind = Kind::kNone;
  std::chrono::seconds ttl{0};  // the smallest of all answers; 0 when one of them failed
  std::string reason;           // one sentence for a person, at most 500 octets, nothing foreign unescaped
  // Those that DANE judges, in order of preference, lower case; without aliases, and without what is no plain host
  // name.
  std::vector<std::string> hosts = {};
  bool not_tried = false;  // of kFailed: what failed did so for reasons of our own (is_ours()), and only for those
};

// Whom to look at: lowest preference first, each host once, at most kMaxDaneHosts.
struct MailHosts {
  std::vector<std::string> names;
  std::size_t left_out = 0;
  std::chrono::seconds ttl{0};
};

// What the MX records say. A finding: nobody needs to be looked at.
std::variant<MailHosts, DaneFinding> mail_hosts(const Domain& domain, const Result<DnsAnswer<MxRecord>>& mx);

// One host. First its addresses are asked for, then what each call returns.
class DaneHostLookup {
 public:
  struct AskTlsa {
    std::string name;
  };
  struct AskCname {
    std::string name;
  };
  using Next = std::variant<AskTlsa, AskCname, DaneHost>;

  explicit DaneHostLookup(std::string host) : host_(std::move(host)) {}

  Next on_addresses(const Result<DnsAnswer<std::string>>& addresses);
  Next on_cname(const Result<DnsAnswer<std::string>>& cname);
  Next on_tlsa(const Result<DnsAnswer<TlsaRecord>>& tlsa);

 private:
  [[nodiscard]] DaneHost none(std::string reason) const;
  [[nodiscard]] DaneHost failed(const Error& error) const;
  [[nodiscard]] Next ask_tlsa_at(const std::string& base);

  std::string host_;
  std::chrono::seconds ttl_ = std::chrono::seconds::max();
  bool is_alias_ = false;
  bool own_name_left_ = false;  // the host is an alias: its own name is asked after the one that it leads to
};

// `hosts`: one for each of `asked`.
DaneFinding dane_finding(const MailHosts& asked, const std::vector<DaneHost>& hosts);

// How long a finding counts after its end while a fault of ours keeps it from being asked for again.
inline constexpr std::chrono::hours kDaneOutlives{24};
// What to go by then: the finding `last`, for a few minutes more. Where DANE judged every host it is kPartly, which
// demands DANE of those hosts: with kUsable an MTA that finds no TLSA records any more may send without it. nullopt:
// `last` is none, has not ended, or ended too long ago. `why`: the fault, half a sentence.
std::optional<DaneMemory> outliving(const std::optional<DaneMemory>& last, std::string_view why, WallTime now);
// The same in its place, if there is one.
void go_by_last_dane(CacheEntry& entry, std::string_view why, WallTime now);

}  // namespace mtasts
