#include "core/policy.h"

#include <algorithm>
#include <optional>

#include "core/ascii.h"
#include "core/utf8.h"

namespace mtasts {
namespace {

constexpr std::size_t kMaxHostName = 253;
constexpr std::size_t kMaxLabel = 63;

tl::unexpected<Error> invalid(std::string what) { return fail(ErrorCode::kPolicyInvalid, std::move(what)); }

std::string_view without_trailing_blanks(std::string_view text) {
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

// Takes the next line off the front of `body`: without LF or CRLF (R8, erratum 6253) and without white space at its
// end. A CR that no LF follows is no line end.
std::string_view take_line(std::string_view& body) {
  const std::size_t end = body.find('\n');
  std::string_view line = body.substr(0, end);
  const bool ended = end != std::string_view::npos;
  body.remove_prefix(ended ? end + 1 : body.size());
  if (ended && line.ends_with('\r')) line.remove_suffix(1);
  return without_trailing_blanks(line);
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; });
}

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= kMaxLabel && label.front() != '-' && label.back() != '-' &&
         std::ranges::all_of(label, [](char c) { return ascii::is_alnum(c) || c == '-'; });
}

// Also with leading zeros, which some readers of addresses take.
bool is_octet(std::string_view label) { return ascii::number(label, 255).has_value(); }

// A host name in A-labels. Four octets are an address (RFC 1123 §2.1). Other numbers are labels as any: what
// inet_aton(3) would make of them does not matter, because no server looks a pattern up.
bool is_host_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxHostName) return false;
  bool of_octets = true;
  for (std::size_t labels = 1;; ++labels) {
    const std::size_t dot = name.find('.');
    const std::string_view label = name.substr(0, dot);
    if (!is_label(label)) return false;
    of_octets = of_octets && is_octet(label);
    if (dot == std::string_view::npos) return !of_octets || labels != 4;
    name.remove_prefix(dot + 1);
  }
}

bool is_mx_pattern(std::string_view pattern) {
  if (pattern.starts_with("*.")) pattern.remove_prefix(2);
  return is_host_name(pattern);
}

std::optional<std::chrono::seconds> parse_age(std::string_view value) {
  const std::optional<std::int64_t> age = ascii::number(value, 9'999'999'999);
  if (!age || value.size() > 10) return std::nullopt;
  return std::min(std::chrono::seconds{*age}, kMaxPolicyAge);
}

// The keys seen so far; of a key other than mx only the first line counts (R8).
struct Draft {
  bool has_version = false;
  std::optional<Mode> mode;
  std::optional<std::chrono::seconds> max_age;
  std::vector<std::string> mx;
};

Result<void> take_field(Draft& draft, std::string_view key, std::string_view value) {
  if (key == "version" && !draft.has_version) {
    if (value != "STSv1") return invalid("the version is \"" + escaped(value) + "\", not STSv1");
    draft.has_version = true;
  } else if (key == "mode" && !draft.mode) {
    const Result<Mode> mode = mode_of(value);
    if (!mode) return invalid(mode.error().detail);
    draft.mode = *mode;
  } else if (key == "max_age" && !draft.max_age) {
    draft.max_age = parse_age(value);
    if (!draft.max_age) return invalid("the max_age \"" + escaped(value) + "\" is not 1 to 10 digits");
  } else if (key == "mx") {
    if (!is_mx_pattern(value))
      return invalid("the mx \"" + escaped(value) + "\" is not a host name in ASCII or *.name");
    draft.mx.push_back(ascii::lower(value));
  }
  return {};
}

Result<void> take_policy_line(Draft& draft, std::string_view line) {
  const std::size_t colon = line.find(':');
  const std::string_view key = line.substr(0, colon);
  const std::string_view value =
      colon == std::string_view::npos ? std::string_view{} : ascii::trimmed(line.substr(colon + 1));
  if (!ascii::is_field_name(key) || value.empty()) return invalid("\"" + escaped(line) + "\" is not key: value");
  if (has_control(value)) return invalid("\"" + escaped(line) + "\" contains a control character");
  if (!is_utf8(value)) return invalid("\"" + escaped(line) + "\" is not UTF-8");
  return take_field(draft, key, value);
}

Result<Policy> complete(Draft draft) {
  if (!draft.has_version) return invalid("the version is missing");
  if (!draft.mode) return invalid("the mode is missing");
  if (!draft.max_age) return invalid("the max_age is missing");
  if (draft.mx.empty() && draft.mode != Mode::kNone) return invalid("an mx is missing");
  return Policy{*draft.mode, *draft.max_age, std::move(draft.mx)};
}

}  // namespace

std::string_view mode_name(Mode mode) {
  switch (mode) {
    case Mode::kEnforce:
      return "enforce";
    case Mode::kTesting:
      return "testing";
    case Mode::kNone:
      break;
  }
  return "none";
}

Result<Mode> mode_of(std::string_view name) {
  for (const Mode mode : {Mode::kNone, Mode::kTesting, Mode::kEnforce}) {
    if (mode_name(mode) == name) return mode;
  }
  return invalid("the mode \"" + escaped(name) + "\" is not enforce, testing or none");
}

Result<Policy> parse_policy(std::string_view body) {
  if (body.size() > kMaxPolicyBytes) return invalid("the policy is longer than 64 KiB");
  Draft draft;
  for (std::size_t number = 1; !body.empty(); ++number) {
    const std::string_view line = take_line(body);
    if (line.empty()) continue;  // DEVIATION: docs/adr/0004-lenient-blank-lines.md
    const Result<void> taken = take_policy_line(draft, line);
    if (!taken) return invalid("line " + std::to_string(number) + ": " + taken.error().detail);
  }
  return complete(std::move(draft));
}

std::vector<std::string> policy_strings(std::string_view body) {
  std::vector<std::string> lines;
  if (body.ends_with('\r')) body.remove_suffix(1);  // of a policy that an old version cached (core/cache_entry.cc)
  while (!body.empty()) {
    const std::string_view line = take_line(body);
    if (!line.empty()) lines.emplace_back(line);
  }
  return lines;
}

}  // namespace mtasts
