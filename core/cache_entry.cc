#include "core/cache_entry.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "core/ascii.h"
#include "core/fnv1a.h"
#include "core/record.h"

// The form, here of a domain whose policy could not be fetched again (a line that does not apply is left out):
//
//   mtasts-cache 1
//   domain: example.com
//   record: found until=1764000000 id=20260101T000000Z detail=
//   policy: id=20251201T000000Z fetched=1763900000 bytes=76
//   failure: id=20260101T000000Z count=3 streak=3 retry=1764001200 error=sts-webpki-invalid detail=expired certificate
//   dane: usable until=1764000300 detail=DANE applies to mx.example.com
//   dane-hosts: mx.example.com
//   sum: 0123456789abcdef
//
//   version: STSv1
//   ...
//
// The policy's exact bytes follow the blank line. `sum` is FNV-1a (64 bits) over everything but its own line: it finds
// accidents, not forgers; those are kept off by the rights of the directory.
namespace mtasts {
namespace {

constexpr std::string_view kMagic = "mtasts-cache ";
constexpr std::string_view kVersion = "1";
constexpr std::string_view kSumKey = "sum: ";
constexpr std::string_view kDaneHostsKey = "dane-hosts:";
constexpr std::size_t kSumDigits = 16;
constexpr std::size_t kMaxDetail = 1000;
constexpr std::int64_t kMaxTime = 253'402'300'799;  // the end of the year 9999
constexpr std::int64_t kMaxCount = 1'000'000;

constexpr std::array<std::string_view, 5> kStateNames{"unknown", "absent", "invalid", "found", "failed"};

constexpr std::array<std::string_view, 4> kDaneNames{"none", "usable", "partly", "failed"};

std::string_view state_name(RecordMemory::State state) { return kStateNames[static_cast<std::size_t>(state)]; }

// The sum of an entry whose own line stands between `head` and `tail`.
std::string sum_of(std::string_view head, std::string_view tail) {
  std::uint64_t hash = fnv1a_64(tail, fnv1a_64(head));
  std::string digits(kSumDigits, '0');
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit, hash >>= 4U)
    *digit = ascii::hex_digit(static_cast<unsigned>(hash & 15U));
  return digits;
}

// Whatever a detail holds, it cannot end its line.
std::string one_line(std::string_view detail) {
  if (std::ranges::all_of(detail, ascii::is_printable)) return std::string(detail.substr(0, kMaxDetail));
  return escaped(detail, kMaxDetail).substr(0, kMaxDetail);
}

std::string number(std::int64_t value, std::int64_t max) {
  return std::to_string(std::clamp<std::int64_t>(value, 0, max));
}

std::string number(WallTime time) { return number(time.time_since_epoch().count(), kMaxTime); }

std::string head_of(const CacheEntry& entry) {
  std::string out(kMagic);
  out.append(kVersion).append("\ndomain: ").append(entry.domain.text());
  out.append("\nrecord: ").append(state_name(entry.record.state)).append(" until=").append(number(entry.record.until));
  out.append(" id=").append(entry.record.id).append(" detail=").append(one_line(entry.record.detail)).append("\n");
  if (const auto& policy = entry.policy) {
    out.append("policy: id=").append(policy->id).append(" fetched=").append(number(policy->fetched));
    out.append(" bytes=").append(std::to_string(policy->body.size())).append("\n");
  }
  if (const auto& failure = entry.failure) {
    out.append("failure: id=").append(failure->id).append(" count=").append(number(failure->count, kMaxCount));
    out.append(" streak=").append(number(failure->streak, kMaxCount)).append(" retry=");
    out.append(number(failure->retry_at)).append(" error=").append(error_name(failure->error.code));
    out.append(" detail=").append(one_line(failure->error.detail)).append("\n");
  }
  if (const auto& dane = entry.dane) {
    out.append("dane: ").append(kDaneNames[static_cast<std::size_t>(dane->state)]);
    out.append(" until=").append(number(dane->until)).append(" detail=").append(one_line(dane->detail)).append("\n");
    if (!dane->hosts.empty()) out.append(kDaneHostsKey);
    for (const auto& host : dane->hosts) out.append(" ").append(host);
    if (!dane->hosts.empty()) out.append("\n");
  }
  return out;
}

// Takes what it is asked for off the front of a text, and notes whether all of it was there.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] bool at(std::string_view literal) const { return text_.starts_with(literal); }

  Reader& expect(std::string_view literal) {
    good_ = good_ && at(literal);
    if (good_) text_.remove_prefix(literal.size());
    return *this;
  }

  std::string word() { return std::string(take(text_.find_first_of(" \n"))); }
  std::string line() {
    std::string result(take(text_.find('\n')));
    expect("\n");
    return result;
  }
  std::int64_t number(std::int64_t max) {
    const std::optional<std::int64_t> value = ascii::number(word(), max);
    good_ = good_ && value;
    return value.value_or(0);
  }
  WallTime time() { return WallTime{std::chrono::seconds{number(kMaxTime)}}; }
  // Empty where `optional`.
  std::string id(bool optional) {
    std::string result = word();
    good_ = good_ && (is_record_id(result) || (optional && result.empty()));
    return result;
  }
  void reject() { good_ = false; }

 private:
  std::string_view take(std::size_t length) {
    good_ = good_ && length != std::string_view::npos;
    if (!good_) return {};
    const std::string_view result = text_.substr(0, length);
    text_.remove_prefix(length);
    return result;
  }

  std::string_view text_;
  bool good_ = true;
};

RecordMemory read_record_memory(Reader& in) {
  RecordMemory record;
  in.expect("record: ");
  const std::string state = in.word();
  const auto* const found = std::ranges::find(kStateNames, state);
  if (found == kStateNames.end()) in.reject();
  if (in.good()) record.state = static_cast<RecordMemory::State>(found - kStateNames.begin());
  record.until = in.expect(" until=").time();
  record.id = in.expect(" id=").id(record.state != RecordMemory::State::kFound);
  record.detail = in.expect(" detail=").line();
  return record;
}

// Versions before 0.3 took a CR at the end of the body for the end of a line, and cached such policies. They stay in
// force until they expire (R17).
Result<Policy> parse_stored_policy(std::string_view body) {
  Result<Policy> policy = parse_policy(body);
  return policy || !body.ends_with('\r') ? policy : parse_policy(body.substr(0, body.size() - 1));
}

StoredPolicy read_stored_policy(Reader& in, std::string_view body) {
  StoredPolicy stored;
  stored.id = in.expect("policy: id=").id(false);
  stored.fetched = in.expect(" fetched=").time();
  const std::int64_t bytes = in.expect(" bytes=").number(static_cast<std::int64_t>(kMaxPolicyBytes));
  in.expect("\n");
  Result<Policy> policy = parse_stored_policy(body);
  if (!policy || static_cast<std::size_t>(bytes) != body.size()) {
    in.reject();
    return stored;
  }
  stored.body = body;
  stored.policy = std::move(*policy);
  return stored;
}

FetchFailure read_failure(Reader& in) {
  FetchFailure failure;
  failure.id = in.expect("failure: id=").id(false);
  failure.count = static_cast<unsigned>(in.expect(" count=").number(kMaxCount));
  failure.streak = static_cast<unsigned>(in.expect(" streak=").number(kMaxCount));
  failure.retry_at = in.expect(" retry=").time();
  const Result<ErrorCode> code = error_code(in.expect(" error=").word());
  if (!code) in.reject();
  failure.error.code = code.value_or(ErrorCode::kPolicyFetch);
  failure.error.detail = in.expect(" detail=").line();
  return failure;
}

DaneMemory read_dane_memory(Reader& in) {
  DaneMemory dane;
  const std::string state = in.expect("dane: ").word();
  const auto* const found = std::ranges::find(kDaneNames, state);
  if (found == kDaneNames.end()) in.reject();
  if (in.good()) dane.state = static_cast<DaneState>(found - kDaneNames.begin());
  dane.until = in.expect(" until=").time();
  dane.detail = in.expect(" detail=").line();
  if (!in.at(kDaneHostsKey)) return dane;
  in.expect(kDaneHostsKey);
  while (in.good() && in.at(" ")) {
    dane.hosts.push_back(in.expect(" ").word());
    if (!is_plain_host_name(dane.hosts.back()) || dane.hosts.size() > kMaxDaneHosts) in.reject();
  }
  in.expect("\n");
  return dane;
}

tl::unexpected<Error> damaged(std::string_view what) {
  return fail(ErrorCode::kStoreDamaged, "the stored entry is damaged: " + std::string(what));
}

bool is_other_version(std::string_view bytes) {
  if (!bytes.starts_with(kMagic)) return false;
  const std::string_view version = bytes.substr(kMagic.size(), bytes.find('\n') - kMagic.size());
  return bytes.find('\n') != std::string_view::npos && !version.empty() && version.size() < 10 && version != kVersion &&
         std::ranges::all_of(version, ascii::is_digit);
}

// `head`: the lines before the blank one, with their ends. `tail`: the blank line and the policy's bytes.
bool has_right_sum(std::string_view head, std::string_view tail) {
  const std::size_t size = kSumKey.size() + kSumDigits + 1;
  if (head.size() < size) return false;
  const std::string_view summed = head.substr(0, head.size() - size);
  return summed.ends_with('\n') && head.substr(summed.size()) == std::string(kSumKey) + sum_of(summed, tail) + '\n';
}

// What all versions have in common (see the header). Without the right sum nothing says that a version wrote it: one
// bit of an entry of ours is enough to make another number of it.
Result<CacheEntry> parse_other_version(std::string_view bytes, const Domain& expected) {
  const std::size_t blank_line = bytes.find("\n\n");
  if (blank_line == std::string_view::npos) return damaged("it is cut off");
  const std::string_view head = bytes.substr(0, blank_line + 1);
  const std::string_view tail = bytes.substr(head.size());
  if (!has_right_sum(head, tail)) return damaged("it is not what was written");
  const auto unreadable = fail(ErrorCode::kLocalFault, "another version of mtasts wrote it, in a form unknown here");
  const std::string_view lines = head.substr(head.find('\n') + 1);
  if (!lines.starts_with("domain: " + expected.text() + '\n')) return unreadable;
  CacheEntry entry{expected, {}, std::nullopt, std::nullopt};
  const std::size_t before_policy = lines.find("\npolicy: ");
  if (before_policy == std::string_view::npos) return tail.size() == 1 ? Result<CacheEntry>(entry) : unreadable;
  Reader in(lines.substr(before_policy + 1));
  entry.policy = read_stored_policy(in, tail.substr(1));
  return in.good() ? Result<CacheEntry>(entry) : unreadable;
}

}  // namespace

bool is_plain_host_name(std::string_view name) {
  constexpr std::size_t kMaxName = 253;
  return !name.empty() && name.size() <= kMaxName && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || ascii::is_digit(c) || c == '-' || c == '.';
  });
}

Error FetchFailure::reported() const {
  return is_dns_failure(error.code) ? Error{ErrorCode::kPolicyFetch, error.detail} : error;
}

// R22, and one case the standard does not think of: `now` before `fetched`, because the clock has been set back or was
// wrong at the fetch. How old the policy is cannot be told then, and dropping it would let a wrong clock at boot end
// the protection, so it stays in force. That is not for ever: expires() is a fixed instant; a clock far in the future
// would have failed the fetch's certificate check, so `fetched` is wrong by a certificate's lifetime at most; and a
// lookup treats such a policy as due for refresh, which sets the time right.
const StoredPolicy* CacheEntry::policy_in_force(WallTime now) const {
  return policy && now < policy->expires() ? &*policy : nullptr;
}

const StoredPolicy* CacheEntry::binding_policy(WallTime now) const {
  const StoredPolicy* in_force = policy_in_force(now);
  return in_force != nullptr && in_force->policy.mode != Mode::kNone ? in_force : nullptr;
}

std::optional<WallTime> next_change(const CacheEntry& entry, WallTime now) {
  std::optional<WallTime> next;
  const auto consider = [&](WallTime moment) {
    if (moment > now && (!next || moment < *next)) next = moment;
  };
  consider(entry.record.until);
  if (entry.policy) consider(entry.policy->expires());
  if (entry.failure) consider(entry.failure->retry_at);
  if (entry.dane) consider(entry.dane->until);
  return next;
}

std::string serialize(const CacheEntry& entry) {
  const std::string head = head_of(entry);
  const std::string tail = '\n' + (entry.policy ? entry.policy->body : std::string{});
  return head + std::string(kSumKey) + sum_of(head, tail) + '\n' + tail;
}

Result<CacheEntry> parse_cache_entry(std::string_view bytes, const Domain& expected) {
  if (bytes.size() > kMaxEntryBytes) return damaged("it is too long");
  if (is_other_version(bytes)) return parse_other_version(bytes, expected);
  const std::size_t blank_line = bytes.find("\n\n");
  if (blank_line == std::string_view::npos) return damaged("it is cut off");
  const std::string_view body = bytes.substr(blank_line + 2);

  Reader in(bytes);
  in.expect(kMagic).expect(kVersion).expect("\ndomain: ");
  if (in.line() != expected.text()) return damaged("it belongs to another domain");
  CacheEntry entry{expected, read_record_memory(in), std::nullopt, std::nullopt};
  if (in.at("policy: ")) entry.policy = read_stored_policy(in, body);
  if (in.at("failure: ")) entry.failure = read_failure(in);
  if (in.at("dane: ")) entry.dane = read_dane_memory(in);
  // There is one way to write an entry; with it the sum, the order of the lines and all that is left over are checked.
  if (!in.good() || serialize(entry) != bytes) return damaged("it is not what was written");
  return entry;
}

}  // namespace mtasts
