#include "adapters/exim/request_line.h"

#include <optional>
#include <utility>

#include "core/ascii.h"

namespace mtasts {
namespace {

bool is_bare(char c) { return ascii::is_alnum(c) || c == '.' || c == '-' || c == '_' || c == ':'; }

std::optional<char> meaning_of(char escape) {
  switch (escape) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case '"':
    case '\\':
      return escape;
    default:
      return std::nullopt;
  }
}

// Both take the word off the front of the line.
Result<std::string> take_bare(std::string_view& line) {
  std::size_t length = 0;
  while (length < line.size() && is_bare(line[length])) ++length;
  if (length == 0) return fail(ErrorCode::kConfig, "a word is empty, or has bytes that must stand in quotes");
  std::string word(line.substr(0, length));
  line.remove_prefix(length);
  return word;
}

Result<std::string> take_quoted(std::string_view& line) {
  std::string word;
  for (std::size_t i = 1; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"') {
      line.remove_prefix(i + 1);
      return word;
    }
    if (c == '\0' || c == '\n' || c == '\r') return fail(ErrorCode::kConfig, "a quoted word has a byte of no text");
    if (c != '\\') {
      word += c;
      continue;
    }
    const auto meant = ++i < line.size() ? meaning_of(line[i]) : std::nullopt;
    if (!meant) return fail(ErrorCode::kConfig, "a backslash must be followed by n, r, \" or another one");
    word += *meant;
  }
  return fail(ErrorCode::kConfig, "a quote is not closed");
}

}  // namespace

Result<std::vector<std::string>> parse_request_line(std::string_view line) {
  std::vector<std::string> words;
  for (;;) {
    if (words.size() == kMaxRequestWords) return fail(ErrorCode::kConfig, "there are too many words");
    auto word = line.starts_with('"') ? take_quoted(line) : take_bare(line);
    if (!word) return tl::unexpected(word.error());
    words.push_back(std::move(*word));
    if (line.empty()) return words;
    if (line.front() != ' ') return fail(ErrorCode::kConfig, "words are separated by one space");
    line.remove_prefix(1);
  }
}

}  // namespace mtasts
