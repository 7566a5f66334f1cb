#include "adapters/cli/report/tls_report.h"

#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "adapters/cli/report/date.h"
#include "core/result.h"
#include "core/utf8.h"

namespace mtasts::report {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxDepth = 100;
constexpr std::size_t kMaxText = 65536;
constexpr std::size_t kMaxKeptText = 1000;
constexpr std::size_t kMaxPolicies = 10'000;
constexpr std::size_t kMaxResultTypes = 1000;

enum class Place {
  kOutside,
  kReport,
  kDates,
  kPolicies,
  kEntry,
  kPolicy,
  kSummary,
  kFailures,
  kFailure,
  kTexts,
  kUnknown
};

enum class Kind { kText, kCount, kObject, kArray, kTexts, kOther };

// What is done with a value.
enum class Field : unsigned {
  kOrganization,
  kId,
  kDates,
  kPolicies,
  kStart,
  kEnd,
  kPolicy,
  kSummary,
  kType,
  kDomain,
  kSuccessful,
  kFailed,
  kResultType,
  kSessions,
  kElement,  // of an array
  // Not summed up, and may be absent or null.
  kFailures,
  kIgnored,
};
constexpr bool is_required(Field field) { return field < Field::kFailures; }

struct Member {
  Place in;
  std::string_view key;
  Kind kind;
  Field field;
  Place opens = Place::kUnknown;
};

// RFC 8460 §4.4.
constexpr std::array kMembers{
    Member{Place::kReport, "organization-name", Kind::kText, Field::kOrganization},
    Member{Place::kReport, "date-range", Kind::kObject, Field::kDates, Place::kDates},
    Member{Place::kReport, "contact-info", Kind::kText, Field::kIgnored},
    Member{Place::kReport, "report-id", Kind::kText, Field::kId},
    Member{Place::kReport, "policies", Kind::kArray, Field::kPolicies, Place::kPolicies},
    Member{Place::kDates, "start-datetime", Kind::kText, Field::kStart},
    Member{Place::kDates, "end-datetime", Kind::kText, Field::kEnd},
    Member{Place::kEntry, "policy", Kind::kObject, Field::kPolicy, Place::kPolicy},
    Member{Place::kEntry, "summary", Kind::kObject, Field::kSummary, Place::kSummary},
    Member{Place::kEntry, "failure-details", Kind::kArray, Field::kFailures, Place::kFailures},
    Member{Place::kPolicy, "policy-type", Kind::kText, Field::kType},
    Member{Place::kPolicy, "policy-domain", Kind::kText, Field::kDomain},
    Member{Place::kPolicy, "policy-string", Kind::kTexts, Field::kIgnored, Place::kTexts},
    Member{Place::kPolicy, "mx-host", Kind::kTexts, Field::kIgnored, Place::kTexts},
    Member{Place::kSummary, "total-successful-session-count", Kind::kCount, Field::kSuccessful},
    Member{Place::kSummary, "total-failure-session-count", Kind::kCount, Field::kFailed},
    Member{Place::kFailure, "result-type", Kind::kText, Field::kResultType},
    Member{Place::kFailure, "failed-session-count", Kind::kCount, Field::kSessions},
    Member{Place::kFailure, "sending-mta-ip", Kind::kText, Field::kIgnored},
    Member{Place::kFailure, "receiving-mx-hostname", Kind::kText, Field::kIgnored},
    Member{Place::kFailure, "receiving-mx-helo", Kind::kText, Field::kIgnored},
    Member{Place::kFailure, "receiving-ip", Kind::kText, Field::kIgnored},
    Member{Place::kFailure, "additional-information", Kind::kText, Field::kIgnored},
    Member{Place::kFailure, "failure-reason-code", Kind::kText, Field::kIgnored},
};
static_assert(kMembers.size() <= 32);  // Frame::seen

// The elements of the arrays that are looked into.
constexpr std::array kElements{
    Member{Place::kPolicies, "policies", Kind::kObject, Field::kElement, Place::kEntry},
    Member{Place::kFailures, "failure-details", Kind::kObject, Field::kElement, Place::kFailure},
    Member{Place::kTexts, "policy-string", Kind::kText, Field::kIgnored},
};

constexpr Member kTheReport{Place::kOutside, "the report", Kind::kObject, Field::kElement, Place::kReport};
constexpr Member kUnknownMember{Place::kUnknown, "", Kind::kOther, Field::kIgnored, Place::kUnknown};

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::kText:
      return "a text";
    case Kind::kCount:
      return "a whole number from 0 to 18446744073709551615";
    case Kind::kObject:
      return "an object";
    case Kind::kArray:
      return "an array";
    default:
      return "an array of texts";
  }
}

void add_to(std::uint64_t& sum, std::uint64_t count) { sum = saturating_sum(sum, count); }

// Senders may have several entries for one policy.
void add_to(PolicyResult& sum, const PolicyResult& result) {
  add_to(sum.sessions.successful, result.sessions.successful);
  add_to(sum.sessions.failed, result.sessions.failed);
  for (const auto& [type, sessions] : result.failures) add_to(sum.failures[type], sessions);
}

std::string in_quotes(std::string_view key) { return "'" + std::string(key) + "'"; }

// Fed by nlohmann's parser, which keeps no more than the value it is at: each function returns false to end the
// reading.
class Reader : public nlohmann::json_sax<Json> {
 public:
  explicit Reader(std::size_t size) : size_(size) {}

  [[nodiscard]] const std::string& reason() const { return reason_; }
  TlsReport take() { return std::move(report_); }

  bool null() override {
    const Member& member = next();
    return member.field >= Field::kFailures ? true : wrong_type(member);
  }
  bool boolean(bool /*value*/) override { return take_other(); }
  bool number_integer(number_integer_t /*value*/) override { return take_other(); }  // only with a minus
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return take_other(); }
  bool binary(binary_t& /*value*/) override { return take_other(); }
  bool number_unsigned(number_unsigned_t value) override {
    const Member& member = next();
    if (member.kind == Kind::kOther) return true;
    return member.kind == Kind::kCount ? keep(member.field, value) : wrong_type(member);
  }
  bool string(string_t& text) override {
    const Member& member = next();
    if (text.size() > kMaxText) return refused("a text is longer than 64 KiB");
    if (member.kind == Kind::kOther || member.kind == Kind::kTexts) return true;  // one text for an array of one
    return member.kind == Kind::kText ? keep(member, text) : wrong_type(member);
  }
  bool start_object(std::size_t /*elements*/) override { return open(Kind::kObject); }
  bool start_array(std::size_t /*elements*/) override { return open(Kind::kArray); }
  bool key(string_t& text) override;
  bool end_object() override;
  bool end_array() override {
    stack_.pop_back();
    return true;
  }
  bool parse_error(std::size_t position, const std::string& /*token*/, const Json::exception& /*error*/) override {
    if (position > size_) return refused("the JSON text is cut off");
    return refused("no valid JSON at byte " + std::to_string(position));
  }

 private:
  struct Frame {
    Place place;
    std::uint32_t seen = 0;  // a bit for each of kMembers
  };

  bool refused(std::string reason) {
    reason_ = std::move(reason);
    return false;
  }
  bool wrong_type(const Member& member) {
    return refused(in_quotes(member.key) + " is not " + std::string(kind_name(member.kind)));
  }
  // What is known of the value that comes now.
  const Member& next() {
    if (stack_.empty()) return kTheReport;
    for (const Member& element : kElements) {
      if (element.in == stack_.back().place) return element;
    }
    return *std::exchange(pending_, &kUnknownMember);
  }
  bool take_other() {
    const Member& member = next();
    return member.kind == Kind::kOther ? true : wrong_type(member);
  }
  bool open(Kind kind);
  bool keep(Field field, std::uint64_t count);
  bool keep(const Member& member, const std::string& text);
  bool keep_date(const Member& member, const std::string& text);
  bool finish(Place place);

  std::size_t size_;
  TlsReport report_;
  std::vector<Frame> stack_;
  const Member* pending_ = &kUnknownMember;
  std::string reason_;
  std::set<std::string> result_types_;  // of all policies
  // Of the entry, and of the failure in it, that is being read. Its members come in any order: the policy may be last.
  PolicyName policy_;
  PolicyResult result_;
  std::string result_type_;
  std::uint64_t sessions_ = 0;
};

bool Reader::key(string_t& text) {
  if (text.size() > kMaxText) return refused("a key is longer than 64 KiB");
  Frame& frame = stack_.back();
  pending_ = &kUnknownMember;
  for (std::size_t i = 0; i < kMembers.size(); ++i) {
    if (kMembers[i].in != frame.place || kMembers[i].key != text) continue;
    pending_ = &kMembers[i];
    if ((frame.seen >> i & 1U) != 0) return refused(in_quotes(text) + " stands twice in one object");
    frame.seen |= std::uint32_t{1} << i;
  }
  return true;
}

bool Reader::open(Kind kind) {
  const Member& member = next();
  const bool fits =
      member.kind == kind || member.kind == Kind::kOther || (member.kind == Kind::kTexts && kind == Kind::kArray);
  if (!fits) return wrong_type(member);
  if (stack_.size() == kMaxDepth) return refused("nested deeper than 100");
  stack_.push_back({member.opens});
  if (member.opens == Place::kEntry) {
    policy_ = {};
    result_ = {};
  }
  return true;
}

bool Reader::end_object() {
  const Frame frame = stack_.back();
  for (std::size_t i = 0; i < kMembers.size(); ++i) {
    if (kMembers[i].in == frame.place && is_required(kMembers[i].field) && (frame.seen >> i & 1U) == 0)
      return refused(in_quotes(kMembers[i].key) + " is missing");
  }
  stack_.pop_back();
  return finish(frame.place);
}

bool Reader::keep(Field field, std::uint64_t count) {
  if (field == Field::kSuccessful) result_.sessions.successful = count;
  if (field == Field::kFailed) result_.sessions.failed = count;
  if (field == Field::kSessions) sessions_ = count;
  return true;
}

bool Reader::keep(const Member& member, const std::string& text) {
  if (member.field == Field::kStart || member.field == Field::kEnd) return keep_date(member, text);
  if (member.field == Field::kIgnored) return true;
  if (text.size() > kMaxKeptText) return refused(in_quotes(member.key) + " is longer than 1000 bytes");
  if (member.field == Field::kOrganization) report_.organization = text;
  if (member.field == Field::kId) report_.id = text;
  if (member.field == Field::kType) policy_.type = text;
  if (member.field == Field::kDomain) policy_.domain = text;
  if (member.field == Field::kResultType) result_type_ = text;
  return true;
}

bool Reader::keep_date(const Member& member, const std::string& text) {
  const auto date = parse_date(text);
  if (!date)
    return refused(in_quotes(member.key) +
                   " is no date of this century, written like 2026-01-31T00:00:00Z: " + escaped(text, 40));
  (member.field == Field::kStart ? report_.start : report_.end) = *date;
  return true;
}

// An object that is of interest has ended.
bool Reader::finish(Place place) {
  if (place == Place::kEntry) {
    add_to(report_.policies[policy_], result_);
    if (report_.policies.size() > kMaxPolicies) return refused("more than 10000 different policies");
  } else if (place == Place::kFailure) {
    add_to(result_.failures[result_type_], sessions_);
    result_types_.insert(result_type_);
    if (result_types_.size() > kMaxResultTypes) return refused("more than 1000 different result types");
  } else if (place == Place::kDates && report_.end < report_.start) {
    return refused("'date-range' ends before it begins");
  }
  return true;
}

}  // namespace

Read<TlsReport> parse_tls_report(std::string_view json) {
  if (!is_utf8(json)) return refuse("not UTF-8");
  // The parser takes a NUL for the end, whatever follows.
  if (const std::size_t nul = json.find('\0'); nul != std::string_view::npos)
    return refuse("no valid JSON at byte " + std::to_string(nul + 1));
  Reader reader(json.size());
  if (!Json::sax_parse(json, &reader)) return refuse(reader.reason());
  return reader.take();
}

}  // namespace mtasts::report
