#include "module/helper/inspection_frames.h"

#include <algorithm>
#include <utility>

#include "core/ascii.h"
#include "core/policy.h"
#include "core/time.h"

namespace mtasts {
namespace {

constexpr std::size_t kMaxSentence = 2000;
constexpr std::size_t kMaxHeader = 1000;
constexpr std::size_t kMaxName = 255;
constexpr std::size_t kMaxNames = 100;
constexpr std::size_t kMaxAddress = 64;
constexpr std::uint64_t kMaxTime = 253'402'300'799;  // the end of 9999
constexpr std::uint64_t kMaxMilliseconds = 86'400'000;
constexpr std::uint64_t kMaxStatus = 999;
constexpr std::uint64_t kMaxTlsaNumber = 255;

class Writer {
 public:
  void flag(bool value) { fields_.emplace_back(value ? "1" : "0"); }
  void number(std::int64_t value, std::uint64_t most) {
    fields_.push_back(std::to_string(std::clamp<std::int64_t>(value, 0, static_cast<std::int64_t>(most))));
  }
  // Ours: a sentence.
  void sentence(std::string text) {
    text.resize(std::min(text.size(), kMaxSentence));
    std::ranges::replace_if(
        text, [](char c) { return !ascii::is_printable(c); }, '?');
    fields_.push_back(std::move(text));
  }
  void foreign(std::string_view bytes, std::size_t most) { fields_.emplace_back(bytes.substr(0, most)); }
  Fields take() { return std::move(fields_); }

 private:
  Fields fields_;
};

// Once something is not as it was written, nothing is.
class Reader {
 public:
  explicit Reader(const Fields& fields) : fields_(fields) {}

  bool flag() {
    const std::string_view field = next();
    is_good_ = is_good_ && (field == "0" || field == "1");
    return field == "1";
  }
  std::int64_t number(std::uint64_t most) {
    const auto value = parse_number(next());
    is_good_ = is_good_ && value && *value <= most;
    return is_good_ ? static_cast<std::int64_t>(*value) : 0;
  }
  std::string sentence() {
    std::string text = foreign(kMaxSentence);
    is_good_ = is_good_ && std::ranges::all_of(text, ascii::is_printable);
    return text;
  }
  std::string foreign(std::size_t most) {
    const std::string_view field = next();
    is_good_ = is_good_ && field.size() <= most;
    return is_good_ ? std::string(field) : "";
  }
  [[nodiscard]] bool is_good() const { return is_good_; }
  [[nodiscard]] bool is_at_end() const { return is_good_ && at_ == fields_.size(); }

 private:
  std::string_view next() {
    is_good_ = is_good_ && at_ < fields_.size();
    return is_good_ ? std::string_view(fields_[at_++]) : std::string_view();
  }

  const Fields& fields_;
  std::size_t at_ = 0;
  bool is_good_ = true;
};

void write(Writer& to, const CertificateFact& fact) {
  for (const bool fault : {fact.is_expired, fact.is_untrusted, fact.is_for_another_name, fact.has_only_common_name})
    to.flag(fault);
  to.sentence(fact.detail);
  to.number(fact.not_after.time_since_epoch().count(), kMaxTime);
  const std::size_t names = std::min(fact.names.size(), kMaxNames);
  to.number(static_cast<std::int64_t>(names), kMaxNames);
  for (std::size_t i = 0; i < names; ++i) to.foreign(fact.names[i], kMaxName);
}

CertificateFact read_certificate(Reader& from) {
  CertificateFact fact;
  fact.is_expired = from.flag();
  fact.is_untrusted = from.flag();
  fact.is_for_another_name = from.flag();
  fact.has_only_common_name = from.flag();
  fact.detail = from.sentence();
  fact.not_after = from_epoch(from.number(kMaxTime));
  for (auto left = from.number(kMaxNames); left > 0 && from.is_good(); --left)
    fact.names.push_back(from.foreign(kMaxName));
  return fact;
}

void write(Writer& to, const TlsFact& fact) {
  to.flag(fact.is_too_old);
  to.sentence(fact.version);
  to.sentence(fact.error);
  to.flag(fact.certificate.has_value());
  if (fact.certificate) write(to, *fact.certificate);
}

TlsFact read_tls(Reader& from) {
  TlsFact fact;
  fact.is_too_old = from.flag();
  fact.version = from.sentence();
  fact.error = from.sentence();
  if (from.flag()) fact.certificate = read_certificate(from);
  return fact;
}

void write(Writer& to, const HttpFact& fact) {
  to.number(fact.status, kMaxStatus);
  to.foreign(fact.location, kMaxHeader);
  to.foreign(fact.content_type, kMaxHeader);
  to.foreign(fact.body, kMaxPolicyBytes);
  to.flag(fact.is_too_large);
  to.number(fact.took.count(), kMaxMilliseconds);
  to.sentence(fact.error);
}

HttpFact read_http(Reader& from) {
  HttpFact fact;
  fact.status = static_cast<long>(from.number(kMaxStatus));
  fact.location = from.foreign(kMaxHeader);
  fact.content_type = from.foreign(kMaxHeader);
  fact.body = from.foreign(kMaxPolicyBytes);
  fact.is_too_large = from.flag();
  fact.took = std::chrono::milliseconds(from.number(kMaxMilliseconds));
  fact.error = from.sentence();
  return fact;
}

template <typename Fact>
Fact not_tried(const std::string& address, const Error& error) {
  return {.address = address, .not_tried = error.detail};
}

template <typename Fact>
Fact unusable(const std::string& address) {
  return not_tried<Fact>(address, {ErrorCode::kInternal, "the lookup helper sent no usable facts"});
}

}  // namespace

Fields encode_policy_host(const PolicyAddressFact& fact) {
  Writer to;
  to.foreign(fact.address, kMaxAddress);
  to.sentence(fact.not_tried);
  to.flag(fact.is_connected);
  to.sentence(fact.error);
  write(to, fact.tls);
  write(to, fact.http);
  to.flag(fact.other_agent.has_value());
  if (fact.other_agent) write(to, *fact.other_agent);
  return to.take();
}

PolicyAddressFact decode_policy_host(const Result<Fields>& fields, const std::string& address) {
  if (!fields) return not_tried<PolicyAddressFact>(address, fields.error());
  Reader from(*fields);
  PolicyAddressFact fact;
  fact.address = from.foreign(kMaxAddress);
  fact.not_tried = from.sentence();
  fact.is_connected = from.flag();
  fact.error = from.sentence();
  fact.tls = read_tls(from);
  fact.http = read_http(from);
  if (from.flag()) fact.other_agent = read_http(from);
  if (!from.is_at_end() || fact.address != address) return unusable<PolicyAddressFact>(address);
  return fact;
}

Fields encode_mx_host(const MxAddressFact& fact) {
  Writer to;
  to.foreign(fact.address, kMaxAddress);
  to.sentence(fact.not_tried);
  to.flag(fact.is_reached);
  to.sentence(fact.error);
  to.flag(fact.offers_starttls);
  write(to, fact.tls);
  to.flag(fact.matches_tlsa.has_value());
  if (fact.matches_tlsa) to.flag(*fact.matches_tlsa);
  return to.take();
}

MxAddressFact decode_mx_host(const Result<Fields>& fields, const std::string& address) {
  if (!fields) return not_tried<MxAddressFact>(address, fields.error());
  Reader from(*fields);
  MxAddressFact fact;
  fact.address = from.foreign(kMaxAddress);
  fact.not_tried = from.sentence();
  fact.is_reached = from.flag();
  fact.error = from.sentence();
  fact.offers_starttls = from.flag();
  fact.tls = read_tls(from);
  if (from.flag()) fact.matches_tlsa = from.flag();
  if (!from.is_at_end() || fact.address != address) return unusable<MxAddressFact>(address);
  return fact;
}

}  // namespace mtasts
