#include "module/io/http_request.h"

#include <algorithm>
#include <optional>

namespace mtasts {
namespace {

using Kind = HttpRequest::Kind;

// Takes the next whole line off the bytes.
std::optional<std::string_view> next_line(std::string_view& bytes) {
  const auto end = bytes.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view line = bytes.substr(0, end);
  bytes.remove_prefix(end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool is_visible(char c) { return c > ' ' && c < '\x7f'; }

// "GET /metrics?x HTTP/1.1"
HttpRequest parse_request_line(std::string_view line) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == 0 || first == last) return {Kind::kMalformed};
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (version != "HTTP/1.0" && version != "HTTP/1.1") return {Kind::kMalformed};
  if (!target.starts_with('/') || !std::ranges::all_of(target, is_visible)) return {Kind::kMalformed};
  return {Kind::kComplete, line.substr(0, first), target.substr(0, target.find('?'))};
}

}  // namespace

HttpRequest parse_http_request(std::string_view bytes) {
  std::string_view rest = bytes.substr(0, kMaxRequestHead);
  const auto line = next_line(rest);
  while (line) {
    const auto field = next_line(rest);
    if (!field) break;
    if (field->empty()) return parse_request_line(*line);
  }
  return {bytes.size() >= kMaxRequestHead ? Kind::kTooLarge : Kind::kIncomplete};
}

}  // namespace mtasts
