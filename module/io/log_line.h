// A line of the log: `event=refresh-failed domain=example.com detail="HTTP status 503 instead of 200"`.
#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace mtasts {

// Bytes of peers are already escaped (core/result.h). What would end a value, and with it make a field of its own out
// of the rest, is made harmless here: `"` is \x22 in words and ' in sentences, control characters are escaped, and
// blanks of words.
class LogLine {
 public:
  // A name that administrators look for; it stays.
  explicit LogLine(std::string_view event);

  // key=word: a name, an address, a path.
  LogLine& field(std::string_view key, std::string_view word);
  LogLine& field(std::string_view key, std::integral auto number) { return field(key, std::to_string(number)); }
  // key="a sentence for people".
  LogLine& text(std::string_view key, std::string_view sentence);

  [[nodiscard]] const std::string& line() const { return line_; }

 private:
  void add_key(std::string_view key);

  std::string line_;
};

// "text" as a value, quotes included; a quote within becomes '.
std::string log_quoted(std::string_view text);

}  // namespace mtasts
