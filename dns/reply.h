// Reads a reply of getdns: is it an answer to our question, what does it say, how long does that hold? Everything that
// is not a certain answer becomes an error (R20).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/ports.h"
#include "core/result.h"

struct getdns_dict;

namespace mtasts {

enum class RrType : std::uint16_t {
  kA = 1,
  kNs = 2,
  kCname = 5,
  kSoa = 6,
  kMx = 15,
  kTxt = 16,
  kAaaa = 28,
  kTlsa = 52
};

std::string_view rr_type_name(RrType type);

// More than that in one reply is not believed: error kDnsFailure.
inline constexpr std::size_t kMaxRecords = 64;

// True for what can be asked for: labels of letters, digits, hyphens and underscores, at most 253 octets.
bool is_askable(std::string_view name);

// `reply`: of getdns_general for `name`, which is_askable(), and the type. `authenticated` is the AD bit as it came.
// Error kDnsFailure: SERVFAIL and other rcodes, a truncated or malformed reply, a reply to another question, a CNAME
// loop, too much.
// Details say what the resolver answered ("SERVFAIL"); the caller adds who and for what.
Result<DnsAnswer<std::string>> read_txt(const getdns_dict* reply, const std::string& name);
Result<DnsAnswer<MxRecord>> read_mx(const getdns_dict* reply, const std::string& name);
Result<DnsAnswer<std::string>> read_addresses(const getdns_dict* reply, const std::string& name, RrType type);
Result<DnsAnswer<TlsaRecord>> read_tlsa(const getdns_dict* reply, const std::string& name);
Result<DnsAnswer<std::string>> read_cname(const getdns_dict* reply, const std::string& name);
Result<DnsAnswer<std::string>> read_ns(const getdns_dict* reply, const std::string& name);

// What a reply shows of the resolver that gave it, whatever it answers.
struct AdSight {
  bool authenticated = false;   // AD is set
  bool has_signatures = false;  // RRSIG, of an answer or of a denial
};
AdSight read_ad_sight(const getdns_dict* reply);

}  // namespace mtasts
