#include "module/io/log_line.h"

#include <algorithm>

#include "core/ascii.h"

namespace mtasts {
namespace {

constexpr char kDelete = 0x7f;

// Octets from 0x80 may be part of a path in UTF-8.
bool is_control(char c) { return (c >= 0 && c < ' ') || c == kDelete; }

void append(std::string& line, std::string_view value, std::string_view also) {
  for (const char c : value) {
    if (is_control(c) || also.find(c) != std::string_view::npos) {
      line += "\\x" + ascii::hex({&c, 1});
    } else {
      line += c;
    }
  }
}

}  // namespace

LogLine::LogLine(std::string_view event) { field("event", event); }

void LogLine::add_key(std::string_view key) {
  if (!line_.empty()) line_ += ' ';
  line_ += key;
  line_ += '=';
}

LogLine& LogLine::field(std::string_view key, std::string_view word) {
  add_key(key);
  append(line_, word, "\" ");
  return *this;
}

LogLine& LogLine::text(std::string_view key, std::string_view sentence) {
  add_key(key);
  line_ += log_quoted(sentence);
  return *this;
}

std::string log_quoted(std::string_view text) {
  std::string sentence(text);
  std::ranges::replace(sentence, '"', '\'');
  std::string quoted = "\"";
  append(quoted, sentence, "");
  return quoted + '"';
}

}  // namespace mtasts
