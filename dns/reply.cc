#include "dns/reply.h"

#include <getdns/getdns.h>
#include <getdns/getdns_extra.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "core/ascii.h"
#include "core/ip_address.h"
#include "dns/wire.h"

namespace mtasts {
namespace {

constexpr std::uint32_t kClassIn = 1;
constexpr auto kTypeCname = static_cast<std::uint32_t>(RrType::kCname);
constexpr auto kTypeSoa = static_cast<std::uint32_t>(RrType::kSoa);
constexpr std::uint32_t kTypeRrsig = 46;
constexpr std::uint32_t kRcodeNxDomain = 3;
constexpr std::size_t kMaxCnames = 16;
constexpr const char* kMalformedRecord = "a malformed record";
constexpr std::size_t kMaxNameOctets = 253;
constexpr std::size_t kMaxLabelOctets = 63;

bool is_plain(char c) { return ascii::is_alnum(c) || c == '-' || c == '_'; }

// A name in wire form, lower case. Length octets are below 64 and so never look like letters.
using WireName = std::string;

WireName wire_of(std::string_view name) {
  WireName wire;
  while (!name.empty()) {
    const auto label = name.substr(0, name.find('.'));
    wire += static_cast<char>(label.size());
    for (const char c : label) wire += ascii::lower(c);
    name.remove_prefix(std::min(label.size() + 1, name.size()));
  }
  return wire + '\0';
}

WireName wire_of(const getdns_bindata& data) {
  WireName wire;
  for (std::size_t i = 0; i < data.size; ++i) wire += ascii::lower(static_cast<char>(data.data[i]));
  return wire;
}

// Presentation form without the trailing dot, case as it came; what is no letter, digit, hyphen or underscore as \DDD.
std::string presentation_of(const std::uint8_t* data, std::size_t size) {
  std::string name;
  for (std::size_t i = 0; i < size && data[i] != 0;) {
    const std::size_t end = std::min(i + 1 + data[i], size);
    if (!name.empty()) name += '.';
    for (++i; i < end; ++i) {
      const unsigned char c = data[i];
      if (is_plain(static_cast<char>(c))) {
        name += static_cast<char>(c);
      } else {
        name += '\\';
        for (const int digit : {c / 100, c / 10 % 10, c % 10}) name += static_cast<char>('0' + digit);
      }
    }
  }
  return name;
}

std::string presentation_of(const getdns_bindata& data) { return presentation_of(data.data, data.size); }

std::string presentation_of(const WireName& name) {
  return presentation_of(reinterpret_cast<const std::uint8_t*>(name.data()), name.size());
}

std::optional<std::uint32_t> number(const getdns_dict* dict, const char* path) {
  std::uint32_t value = 0;
  if (getdns_dict_get_int(dict, path, &value) != GETDNS_RETURN_GOOD) return std::nullopt;
  return value;
}

const getdns_bindata* bytes(const getdns_dict* dict, const char* path) {
  getdns_bindata* data = nullptr;
  return getdns_dict_get_bindata(dict, path, &data) == GETDNS_RETURN_GOOD ? data : nullptr;
}

// A name, at least the root. getdns gives one of no octets where it could not follow the pointers.
const getdns_bindata* name_at(const getdns_dict* dict, const char* path) {
  const auto* name = bytes(dict, path);
  return name != nullptr && name->size > 0 ? name : nullptr;
}

// The RRs of a section of the reply, in order.
std::vector<const getdns_dict*> section(const getdns_dict* reply, const char* path) {
  std::vector<const getdns_dict*> records;
  getdns_list* list = nullptr;
  if (getdns_dict_get_list(reply, path, &list) != GETDNS_RETURN_GOOD) return records;
  std::size_t size = 0;
  getdns_list_get_length(list, &size);
  for (std::size_t i = 0; i < size; ++i) {
    getdns_dict* rr = nullptr;
    if (getdns_list_get_dict(list, i, &rr) == GETDNS_RETURN_GOOD) records.push_back(rr);
  }
  return records;
}

bool is_of(const getdns_dict* rr, const WireName& owner, std::uint32_t type) {
  const auto* name = name_at(rr, "/name");
  return name != nullptr && number(rr, "/type") == type && number(rr, "/class") == kClassIn && wire_of(*name) == owner;
}

// A TTL with the highest bit set counts as 0 (RFC 2181 §8).
std::chrono::seconds ttl_of(std::optional<std::uint32_t> value) {
  return std::chrono::seconds(!value || *value > 0x7fff'ffff ? 0 : *value);
}

Result<void> refuse(std::string detail) { return fail(ErrorCode::kDnsFailure, std::move(detail)); }

std::string rcode_name(std::uint32_t rcode) {
  static constexpr std::array<const char*, 6> kNames{"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"};
  return rcode < kNames.size() ? kNames[rcode] : "rcode " + std::to_string(rcode);
}

Result<void> check_frame(const getdns_dict* reply) {
  const auto* message = bytes(reply, "/replies_full/0");
  if (message == nullptr || !is_well_framed({reinterpret_cast<const char*>(message->data), message->size}))
    return refuse("a malformed message");
  return {};
}

// Does this answer what we asked? getdns compares nothing but the 16-bit id.
Result<void> check_question(const getdns_dict* reply, const WireName& name, RrType type) {
  const auto* qname = name_at(reply, "/replies_tree/0/question/qname");
  if (qname == nullptr || wire_of(*qname) != name ||
      number(reply, "/replies_tree/0/question/qtype") != static_cast<std::uint32_t>(type) ||
      number(reply, "/replies_tree/0/question/qclass") != kClassIn)
    return refuse("a reply to another question");
  return {};
}

Result<void> check_header(const getdns_dict* reply) {
  const auto rcode = number(reply, "/replies_tree/0/header/rcode");
  if (!rcode || number(reply, "/replies_tree/0/header/qr") != 1U) return refuse("something that is no DNS reply");
  if (*rcode != 0 && *rcode != kRcodeNxDomain) return refuse(rcode_name(*rcode));
  if (number(reply, "/replies_tree/0/header/tc") != 0U) return refuse("a truncated reply");
  return {};
}

// "Nothing there" counts only from a server that looked: a referral is not an answer (R20).
bool may_deny(const getdns_dict* reply) {
  return number(reply, "/replies_tree/0/header/ra") == 1U || number(reply, "/replies_tree/0/header/aa") == 1U;
}

// Follows the CNAMEs of the answer section from `name`; `ttl` becomes the smallest on the way.
Result<WireName> follow_cnames(const std::vector<const getdns_dict*>& answer, WireName name,
                               std::chrono::seconds& ttl) {
  for (std::size_t steps = 0; steps <= kMaxCnames; ++steps) {
    const auto cname =
        std::find_if(answer.begin(), answer.end(), [&](const auto* rr) { return is_of(rr, name, kTypeCname); });
    if (cname == answer.end()) return name;
    const auto* target = name_at(*cname, "/rdata/cname");
    if (target == nullptr) return fail(ErrorCode::kDnsFailure, kMalformedRecord);
    ttl = std::min(ttl, ttl_of(number(*cname, "/ttl")));
    name = wire_of(*target);
  }
  return fail(ErrorCode::kDnsFailure, "a loop of CNAME records");
}

// RFC 2308 §5: the smaller of the SOA's own TTL and its MINIMUM; 0 without a SOA (R23).
std::chrono::seconds negative_ttl(const getdns_dict* reply) {
  for (const auto* rr : section(reply, "/replies_tree/0/authority"))
    if (number(rr, "/type") == kTypeSoa)
      return std::min(ttl_of(number(rr, "/ttl")), ttl_of(number(rr, "/rdata/minimum")));
  return std::chrono::seconds{0};
}

std::optional<std::string> txt_of(const getdns_dict* rr) {
  getdns_list* strings = nullptr;
  if (getdns_dict_get_list(rr, "/rdata/txt_strings", &strings) != GETDNS_RETURN_GOOD) return std::nullopt;
  std::size_t size = 0;
  getdns_list_get_length(strings, &size);
  std::string text;
  for (std::size_t i = 0; i < size; ++i) {
    getdns_bindata* part = nullptr;
    if (getdns_list_get_bindata(strings, i, &part) != GETDNS_RETURN_GOOD) return std::nullopt;
    text.append(reinterpret_cast<const char*>(part->data), part->size);
  }
  return text;
}

std::optional<MxRecord> mx_of(const getdns_dict* rr) {
  const auto preference = number(rr, "/rdata/preference");
  const auto* host = name_at(rr, "/rdata/exchange");
  if (!preference || host == nullptr) return std::nullopt;
  return MxRecord{*preference, presentation_of(*host)};
}

std::optional<std::string> address_of(const getdns_dict* rr, RrType type) {
  const auto* data = bytes(rr, type == RrType::kA ? "/rdata/ipv4_address" : "/rdata/ipv6_address");
  if (data == nullptr || data->size != (type == RrType::kA ? 4U : 16U)) return std::nullopt;
  const auto address = IpAddress::from_octets({reinterpret_cast<const char*>(data->data), data->size});
  return address ? std::optional(address->text()) : std::nullopt;
}

std::optional<TlsaRecord> tlsa_of(const getdns_dict* rr) {
  const auto usage = number(rr, "/rdata/certificate_usage");
  const auto selector = number(rr, "/rdata/selector");
  const auto matching = number(rr, "/rdata/matching_type");
  const auto* data = bytes(rr, "/rdata/certificate_association_data");
  if (!usage || !selector || !matching || data == nullptr) return std::nullopt;
  return TlsaRecord{*usage, *selector, *matching, {reinterpret_cast<const char*>(data->data), data->size}};
}

std::optional<std::string> cname_of(const getdns_dict* rr) {
  const auto* target = name_at(rr, "/rdata/cname");
  return target == nullptr ? std::nullopt : std::optional(presentation_of(*target));
}

template <typename Record, typename ReadRecord>
Result<DnsAnswer<Record>> read(const getdns_dict* reply, const std::string& name, RrType type, ReadRecord read_record) {
  const WireName asked = wire_of(name);
  const auto ok = check_frame(reply).and_then([&] { return check_question(reply, asked, type); }).and_then([&] {
    return check_header(reply);
  });
  if (!ok) return tl::unexpected(ok.error());

  DnsAnswer<Record> found;
  found.authenticated = number(reply, "/replies_tree/0/header/ad") == 1U;
  found.ttl = std::chrono::seconds::max();
  const auto answer = section(reply, "/replies_tree/0/answer");
  const auto owner = type == RrType::kCname ? Result<WireName>(asked) : follow_cnames(answer, asked, found.ttl);
  if (!owner) return tl::unexpected(owner.error());
  found.owner = presentation_of(*owner);
  for (const auto* rr : answer) {
    if (!is_of(rr, *owner, static_cast<std::uint32_t>(type))) continue;
    auto record = read_record(rr);
    if (!record) return fail(ErrorCode::kDnsFailure, kMalformedRecord);
    if (found.records.size() == kMaxRecords) return fail(ErrorCode::kDnsFailure, "more records than anybody needs");
    found.records.push_back(std::move(*record));
    found.ttl = std::min(found.ttl, ttl_of(number(rr, "/ttl")));
  }
  if (!found.records.empty()) {
    found.kind = DnsAnswer<Record>::Kind::kFound;
    return found;
  }
  if (!may_deny(reply)) return fail(ErrorCode::kDnsFailure, "a referral: it does not do recursion");
  found.kind = number(reply, "/replies_tree/0/header/rcode") == kRcodeNxDomain ? DnsAnswer<Record>::Kind::kNxDomain
                                                                               : DnsAnswer<Record>::Kind::kNoData;
  found.ttl = std::min(found.ttl, negative_ttl(reply));
  return found;
}

}  // namespace

std::string_view rr_type_name(RrType type) {
  switch (type) {
    case RrType::kA:
      return "A";
    case RrType::kCname:
      return "CNAME";
    case RrType::kSoa:
      return "SOA";
    case RrType::kMx:
      return "MX";
    case RrType::kTxt:
      return "TXT";
    case RrType::kAaaa:
      return "AAAA";
    case RrType::kTlsa:
      return "TLSA";
  }
  return "?";
}

bool is_askable(std::string_view name) {
  if (name.empty() || name.size() > kMaxNameOctets) return false;
  std::size_t label = 0;
  for (const char c : name) {
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
      continue;
    }
    if (!is_plain(c)) return false;
    if (++label > kMaxLabelOctets) return false;
  }
  return label > 0;
}

Result<DnsAnswer<std::string>> read_txt(const getdns_dict* reply, const std::string& name) {
  return read<std::string>(reply, name, RrType::kTxt, txt_of);
}

Result<DnsAnswer<MxRecord>> read_mx(const getdns_dict* reply, const std::string& name) {
  return read<MxRecord>(reply, name, RrType::kMx, mx_of);
}

Result<DnsAnswer<std::string>> read_addresses(const getdns_dict* reply, const std::string& name, RrType type) {
  return read<std::string>(reply, name, type, [type](const getdns_dict* rr) { return address_of(rr, type); });
}

Result<DnsAnswer<TlsaRecord>> read_tlsa(const getdns_dict* reply, const std::string& name) {
  return read<TlsaRecord>(reply, name, RrType::kTlsa, tlsa_of);
}

Result<DnsAnswer<std::string>> read_cname(const getdns_dict* reply, const std::string& name) {
  return read<std::string>(reply, name, RrType::kCname, cname_of);
}

AdSight read_ad_sight(const getdns_dict* reply) {
  AdSight sight;
  sight.authenticated = number(reply, "/replies_tree/0/header/ad") == 1U;
  for (const char* path : {"/replies_tree/0/answer", "/replies_tree/0/authority"}) {
    for (const auto* rr : section(reply, path)) sight.has_signatures |= number(rr, "/type") == kTypeRrsig;
  }
  return sight;
}

}  // namespace mtasts
