#include "adapters/cli/report/header.h"

#include "core/ascii.h"

namespace mtasts::report {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{256} << 10U;
constexpr std::size_t kMaxFields = 1000;
constexpr std::size_t kMaxParameters = 20;

// A line without its end, which is CR LF or LF; nothing when there is no line end any more.
std::optional<std::string_view> take_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool is_field_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) { return ascii::is_printable(c) && c != ' '; });
}

// The value of a parameter off the front of `rest`: a quoted text or a word.
std::string take_value(std::string_view& rest) {
  std::string value;
  if (!rest.starts_with('"')) {
    const std::string_view word = rest.substr(0, rest.find(';'));
    rest.remove_prefix(word.size());
    return std::string(ascii::trimmed(word));
  }
  rest.remove_prefix(1);
  while (!rest.empty() && rest.front() != '"') {
    if (rest.front() == '\\' && rest.size() > 1) rest.remove_prefix(1);
    value += rest.front();
    rest.remove_prefix(1);
  }
  rest.remove_prefix(std::min(rest.find(';'), rest.size()));
  return value;
}

}  // namespace

Parameterized parse_parameterized(std::string_view text) {
  Parameterized result;
  const std::string_view value = text.substr(0, text.find(';'));
  result.value = ascii::lower(ascii::trimmed(value));
  text.remove_prefix(value.size());
  while (!text.empty() && result.parameters.size() < kMaxParameters) {
    text.remove_prefix(1);  // the semicolon
    const std::string_view name = text.substr(0, text.find_first_of(";="));
    text.remove_prefix(name.size());
    if (!text.starts_with('=')) continue;
    text.remove_prefix(1);
    while (!text.empty() && ascii::is_blank(text.front())) text.remove_prefix(1);
    result.parameters.emplace(ascii::lower(ascii::trimmed(name)), take_value(text));
  }
  return result;
}

Read<Header> Header::take(std::string_view& rest) {
  Header header;
  const std::string_view whole = rest;
  for (;;) {
    const auto line = take_line(rest);
    if (!line) return refuse("the mail ends within a header");
    if (line->empty()) return header;
    if (whole.size() - rest.size() > kMaxBytes || header.fields_.size() > kMaxFields)
      return refuse("the mail has a header that is too long");
    if (ascii::is_blank(line->front()) && !header.fields_.empty()) {
      header.fields_.back().value += ' ';
      header.fields_.back().value += ascii::trimmed(*line);
      continue;
    }
    const std::size_t colon = line->find(':');
    const std::string_view name = ascii::trimmed(line->substr(0, colon));
    if (colon == std::string_view::npos || !is_field_name(name))
      return refuse("neither a report in JSON nor gzip nor a mail");
    header.fields_.push_back({ascii::lower(name), std::string(ascii::trimmed(line->substr(colon + 1)))});
  }
}

std::optional<std::string> Header::field(std::string_view name) const {
  for (const Field& field : fields_) {
    if (field.name == name) return field.value;
  }
  return std::nullopt;
}

}  // namespace mtasts::report
