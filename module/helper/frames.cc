#include "module/helper/frames.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include "core/ascii.h"
#include "module/helper/answer.h"
#include "module/io/netstring.h"

namespace mtasts {
namespace {

constexpr std::string_view kOk = "ok";
constexpr std::string_view kError = "error ";
constexpr std::array<std::string_view, 3> kKinds{"found", "no-data", "nxdomain"};
constexpr std::size_t kMaxFields = 10'000;
constexpr std::size_t kMaxDetail = 2000;
constexpr std::size_t kMaxName = 255;

tl::unexpected<Error> unusable(const std::string& what) {
  return fail(ErrorCode::kInternal, "the lookup helper sent " + what);
}

bool is_text(std::string_view text, std::size_t most) {
  return text.size() <= most && std::ranges::all_of(text, ascii::is_printable);
}

// The error that a field says, if it says one.
std::optional<Error> error_in(std::string_view field) {
  if (!field.starts_with(kError)) return std::nullopt;
  field.remove_prefix(kError.size());
  const auto space = field.find(' ');
  const auto code = error_code(field.substr(0, space));
  const auto detail = space == std::string_view::npos ? std::string_view() : field.substr(space + 1);
  if (!code || !is_text(detail, kMaxDetail))
    return Error{ErrorCode::kInternal, "the lookup helper sent no usable error"};
  return Error{*code, std::string(detail)};
}

// One record a field.
std::string encode_record(const std::string& record) { return record; }
std::string encode_record(const MxRecord& record) { return std::to_string(record.preference) + " " + record.host; }
std::string encode_record(const TlsaRecord& record) {
  return std::to_string(record.usage) + " " + std::to_string(record.selector) + " " + std::to_string(record.matching) +
         " " + record.data;
}

// Takes a number of at most `most` and the space behind it off the front.
bool take_number(std::string_view& rest, unsigned most, unsigned& number) {
  const auto space = rest.find(' ');
  if (space == std::string_view::npos) return false;
  const auto value = parse_number(rest.substr(0, space));
  if (!value || *value > most) return false;
  number = static_cast<unsigned>(*value);
  rest.remove_prefix(space + 1);
  return true;
}

// What is in a record is foreign in any case: its users check it. Here it only has to have its form.
bool decode_record(std::string_view field, std::string& record) {
  record = field;
  return true;
}
bool decode_record(std::string_view field, MxRecord& record) {
  if (!take_number(field, 65'535, record.preference)) return false;
  record.host = field;
  return true;
}
bool decode_record(std::string_view field, TlsaRecord& record) {
  if (!take_number(field, 255, record.usage) || !take_number(field, 255, record.selector) ||
      !take_number(field, 255, record.matching))
    return false;
  record.data = field;
  return true;
}

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || std::to_string(number) != text) return std::nullopt;
  return number;
}

std::string encode_frame(const Fields& fields) {
  std::string payload;
  for (const std::string& field : fields) append_netstring(payload, field);
  return encode_netstring(payload);
}

void FrameReader::add(std::string_view bytes) {
  bytes_.erase(0, taken_);
  taken_ = 0;
  bytes_ += bytes;
}

Result<std::optional<Fields>> FrameReader::next() {
  const auto frame = parse_netstring(std::string_view(bytes_).substr(taken_), kMaxFrame);
  if (frame.kind == NetstringResult::Kind::kIncomplete) return std::nullopt;
  if (frame.kind == NetstringResult::Kind::kMalformed) return unusable("what is no frame");
  Fields fields;
  for (std::string_view rest = frame.payload; !rest.empty();) {
    const auto field = parse_netstring(rest, rest.size());
    if (field.kind != NetstringResult::Kind::kComplete || fields.size() == kMaxFields)
      return unusable("a frame without whole fields");
    fields.emplace_back(field.payload);
    rest.remove_prefix(field.consumed);
  }
  taken_ += frame.consumed;
  return fields;
}

Fields lookup_request(const std::string& id, const Domain& domain, Lookup::Effort effort,
                      std::chrono::milliseconds deadline) {
  return {id, "lookup", domain.text(), effort == Lookup::Effort::kRefresh ? "refresh" : "normal",
          std::to_string(deadline.count())};
}

Fields encode_lookup(const Result<Outcome>& outcome) { return {encode_answer(outcome)}; }

Result<Outcome> decode_lookup(const Result<Fields>& fields, const Domain& expected) {
  if (!fields) return tl::unexpected(fields.error());
  if (fields->size() != 1) return unusable("no answer to a lookup");
  return parse_answer(fields->front(), expected);
}

std::string error_field(const Error& error) {
  std::string detail = error.detail.substr(0, kMaxDetail);
  std::ranges::replace_if(
      detail, [](char c) { return !ascii::is_printable(c); }, '?');
  return std::string(kError) + std::string(error_name(error.code)) + " " + detail;
}

Fields encode_void(const Result<void>& result) { return {result ? std::string(kOk) : error_field(result.error())}; }

Result<void> decode_void(const Fields& fields) {
  if (fields.size() != 1) return unusable("a reply of another form");
  if (const auto error = error_in(fields[0])) return tl::unexpected(*error);
  if (fields[0] != kOk) return unusable("a reply of another form");
  return {};
}

Fields encode_trial(const MxTrial& trial) {
  return {encode_void(trial.result).front(), trial.own_address, trial.mx_address, trial.mx_helo};
}

MxTrial decode_trial(const Result<Fields>& fields) {
  if (!fields) return {tl::unexpected(fields.error())};
  const auto is_name = [](const std::string& text) { return is_text(text, kMaxName); };
  if (fields->size() != 4 || !std::all_of(fields->begin() + 1, fields->end(), is_name))
    return {unusable("no result of a trial")};
  return {decode_void({(*fields)[0]}), (*fields)[1], (*fields)[2], (*fields)[3]};
}

template <typename Record>
Fields encode_dns(const Result<DnsAnswer<Record>>& answer) {
  if (!answer) return {error_field(answer.error())};
  Fields fields{std::string(kKinds.at(static_cast<std::size_t>(answer->kind))), std::to_string(answer->ttl.count()),
                answer->authenticated ? "authenticated" : "unsigned", answer->owner};
  for (const Record& record : answer->records) fields.push_back(encode_record(record));
  return fields;
}

template <typename Record>
Result<DnsAnswer<Record>> decode_dns(const Result<Fields>& fields) {
  if (!fields) return tl::unexpected(fields.error());
  if (fields->size() == 1) {
    if (const auto error = error_in((*fields)[0])) return tl::unexpected(*error);
  }
  if (fields->size() < 4) return unusable("no DNS answer");
  const auto kind = std::ranges::find(kKinds, (*fields)[0]);
  const auto ttl = parse_number((*fields)[1]);
  const bool authenticated = (*fields)[2] == "authenticated";
  constexpr std::uint64_t kMaxTtl = 0xffff'ffff;
  if (kind == kKinds.end() || !ttl || *ttl > kMaxTtl || (!authenticated && (*fields)[2] != "unsigned"))
    return unusable("no DNS answer");
  DnsAnswer<Record> answer{static_cast<typename DnsAnswer<Record>::Kind>(kind - kKinds.begin()),
                           {},
                           std::chrono::seconds(*ttl),
                           authenticated,
                           (*fields)[3]};
  for (std::size_t i = 4; i < fields->size(); ++i) {
    Record record;
    if (!decode_record((*fields)[i], record)) return unusable("a DNS record of another form");
    answer.records.push_back(std::move(record));
  }
  return answer;
}

template Fields encode_dns(const Result<DnsAnswer<std::string>>&);
template Fields encode_dns(const Result<DnsAnswer<MxRecord>>&);
template Fields encode_dns(const Result<DnsAnswer<TlsaRecord>>&);
template Result<DnsAnswer<std::string>> decode_dns(const Result<Fields>&);
template Result<DnsAnswer<MxRecord>> decode_dns(const Result<Fields>&);
template Result<DnsAnswer<TlsaRecord>> decode_dns(const Result<Fields>&);

}  // namespace mtasts
