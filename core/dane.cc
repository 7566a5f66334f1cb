#include "core/dane.h"

#include <algorithm>
#include <utility>

#include "core/ascii.h"

namespace mtasts {
namespace {

using Kind = DaneFinding::Kind;

constexpr std::size_t kMaxReason = 500;
constexpr std::chrono::minutes kProlonged{5};  // longer than any lookup takes
constexpr std::size_t kMaxErrorInReason = 200;
constexpr std::string_view kCut = "...";
constexpr unsigned kDaneTa = 2;
constexpr unsigned kDaneEe = 3;

std::string cut(std::string text, std::size_t limit) {
  if (text.size() > limit) text.replace(limit - kCut.size(), std::string::npos, kCut);
  return text;
}

// "DANE applies to a, b; not to c (why)": appends the hosts of one kind.
void append_hosts(std::string& sentence, std::string_view words, const std::vector<DaneHost>& hosts,
                  DaneHost::Kind kind) {
  std::string_view between = words;
  for (const auto& host : hosts) {
    if (host.kind != kind) continue;
    if (between == words && !sentence.empty()) sentence += "; ";
    sentence += between;
    sentence += escaped(host.name);
    if (!host.reason.empty()) sentence += " (" + host.reason + ")";
    between = ", ";
  }
}

std::string reason_of(const MailHosts& asked, const std::vector<DaneHost>& hosts) {
  std::string sentence;
  append_hosts(sentence, "DANE applies to ", hosts, DaneHost::Kind::kUsable);
  append_hosts(sentence, "DANE cannot be judged for ", hosts, DaneHost::Kind::kFailed);
  append_hosts(sentence, "DANE does not apply to ", hosts, DaneHost::Kind::kNone);
  if (asked.left_out != 0)
    sentence += "; " + std::to_string(asked.left_out) + " MX hosts of lesser preference were not looked at";
  return cut(std::move(sentence), kMaxReason);
}

DaneFinding none(const Domain& domain, std::chrono::seconds ttl, std::string_view why) {
  return {Kind::kNone, ttl, cut("DANE does not apply to " + domain.text() + ": " + std::string(why), kMaxReason)};
}

}  // namespace

bool is_usable(const TlsaRecord& record) {
  if (record.usage != kDaneTa && record.usage != kDaneEe) return false;
  if (record.selector > 1) return false;
  switch (record.matching) {
    case 0:
      return !record.data.empty();
    case 1:
      return record.data.size() == 32;
    case 2:
      return record.data.size() == 64;
    default:
      return false;
  }
}

std::variant<MailHosts, DaneFinding> mail_hosts(const Domain& domain, const Result<DnsAnswer<MxRecord>>& mx) {
  using Answer = DnsAnswer<MxRecord>;
  if (!mx)
    return DaneFinding{
        .kind = Kind::kFailed,
        .reason = cut("DANE cannot be judged for " + domain.text() + ": " + mx.error().detail, kMaxReason),
        .not_tried = is_ours(mx.error().code)};
  if (mx->kind == Answer::Kind::kNxDomain) return none(domain, mx->ttl, "there is no such domain");
  // Whoever can change an unsigned MX record could name a host of his own, with TLSA records of his own.
  if (!mx->authenticated) return none(domain, mx->ttl, "its MX records are not signed");
  if (mx->kind == Answer::Kind::kNoData) return MailHosts{{domain.text()}, 0, mx->ttl};  // RFC 5321 §5.1

  auto records = mx->records;
  std::erase_if(records, [](const auto& record) { return record.host.empty(); });
  if (records.empty()) return none(domain, mx->ttl, "it takes no mail");
  std::ranges::stable_sort(records, {}, &MxRecord::preference);
  MailHosts hosts{{}, 0, mx->ttl};
  for (const auto& record : records) {
    const auto name = ascii::lower(record.host);
    if (std::ranges::find(hosts.names, name) != hosts.names.end()) continue;
    if (hosts.names.size() == kMaxDaneHosts)
      ++hosts.left_out;
    else
      hosts.names.push_back(name);
  }
  return hosts;
}

DaneHost DaneHostLookup::none(std::string reason) const {
  return {host_, DaneHost::Kind::kNone, std::move(reason), ttl_};
}

DaneHost DaneHostLookup::failed(const Error& error) const {
  return {.name = host_,
          .kind = DaneHost::Kind::kFailed,
          .reason = cut(error.detail, kMaxErrorInReason),
          .not_tried = is_ours(error.code)};
}

DaneHostLookup::Next DaneHostLookup::ask_tlsa_at(const std::string& base) {
  own_name_left_ = !ascii::equal_ignoring_case(base, host_);
  return AskTlsa{"_25._tcp." + base};
}

DaneHostLookup::Next DaneHostLookup::on_addresses(const Result<DnsAnswer<std::string>>& addresses) {
  if (!addresses && addresses.error().code == ErrorCode::kInvalidName) return none("not a host name");
  if (!addresses) return failed(addresses.error());
  ttl_ = std::min(ttl_, addresses->ttl);
  if (addresses->kind != DnsAnswer<std::string>::Kind::kFound) return none("no address");
  is_alias_ = !ascii::equal_ignoring_case(addresses->owner, host_);
  // RFC 7672 §2.2.2: many servers of unsigned zones choke on questions for TLSA; they are not asked.
  if (addresses->authenticated) return ask_tlsa_at(addresses->owner);
  if (is_alias_) return AskCname{host_};
  return none("its addresses are not signed");
}

// The alias leads out of what is signed; it may be signed itself all the same.
DaneHostLookup::Next DaneHostLookup::on_cname(const Result<DnsAnswer<std::string>>& cname) {
  if (!cname) return failed(cname.error());
  ttl_ = std::min(ttl_, cname->ttl);
  if (cname->authenticated) return ask_tlsa_at(host_);
  return none("its addresses are not signed");
}

DaneHostLookup::Next DaneHostLookup::on_tlsa(const Result<DnsAnswer<TlsaRecord>>& tlsa) {
  // With "_25._tcp." in front the name is too long to exist.
  const bool impossible = !tlsa && tlsa.error().code == ErrorCode::kInvalidName;
  if (!tlsa && !impossible) return failed(tlsa.error());
  if (tlsa) ttl_ = std::min(ttl_, tlsa->ttl);
  if (!tlsa || tlsa->kind != DnsAnswer<TlsaRecord>::Kind::kFound || !tlsa->authenticated) {
    if (own_name_left_) return ask_tlsa_at(host_);
    return none(tlsa && !tlsa->records.empty() ? "its TLSA records are not signed" : "no TLSA records");
  }
  if (std::ranges::any_of(tlsa->records, is_usable))
    return DaneHost{host_, DaneHost::Kind::kUsable, {}, ttl_, is_alias_};
  return none("no usable TLSA record");
}

DaneFinding dane_finding(const MailHosts& asked, const std::vector<DaneHost>& hosts) {
  const auto has = [&](DaneHost::Kind kind) {
    return std::ranges::any_of(hosts, [kind](const auto& host) { return host.kind == kind; });
  };
  const bool failed = has(DaneHost::Kind::kFailed);
  const bool all = !has(DaneHost::Kind::kNone) && !failed && asked.left_out == 0;
  DaneFinding finding;
  finding.ttl = asked.ttl;
  for (const auto& host : hosts) finding.ttl = std::min(finding.ttl, host.ttl);  // that of a failed one is 0
  if (has(DaneHost::Kind::kUsable))
    finding.kind = all ? Kind::kUsable : Kind::kPartly;
  else
    finding.kind = failed ? Kind::kFailed : Kind::kNone;
  finding.not_tried = finding.kind == Kind::kFailed && std::ranges::all_of(hosts, [](const auto& host) {
                        return host.kind != DaneHost::Kind::kFailed || host.not_tried;
                      });
  for (const auto& host : hosts) {
    if (host.kind == DaneHost::Kind::kUsable && !host.is_alias && is_plain_host_name(host.name))
      finding.hosts.push_back(host.name);
  }
  finding.reason = reason_of(asked, hosts);
  return finding;
}

std::optional<DaneMemory> outliving(const std::optional<DaneMemory>& last, std::string_view why, WallTime now) {
  if (!last || last->state == DaneState::kFailed || now < last->until || now >= last->until + kDaneOutlives)
    return std::nullopt;
  DaneMemory kept = *last;
  if (kept.state == DaneState::kUsable) kept.state = DaneState::kPartly;
  kept.until = now + kProlonged;
  kept.detail = cut(kept.detail + "; that could not be asked for again: " + std::string(why), 2 * kMaxReason);
  return kept;
}

void go_by_last_dane(CacheEntry& entry, std::string_view why, WallTime now) {
  if (auto kept = outliving(entry.dane, why, now)) entry.dane = std::move(kept);
}

}  // namespace mtasts
