// Postfix's main.cf as text: logical lines, of which the last one of a name counts.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mtasts::setup {

class MainCf {
 public:
  explicit MainCf(std::string_view text);

  // The value as it is written, its lines joined; nothing when the file does not name the parameter.
  [[nodiscard]] std::optional<std::string> value(const std::string& name) const;

  // The text with these parameters: lines that set them are set aside, ours come last in a marked block.
  [[nodiscard]] std::string with(const std::vector<std::pair<std::string, std::string>>& settings) const;

 private:
  struct Line {
    std::string text;
    std::string parameter;  // that the line belongs to; empty for comments and empty lines
    bool begins = false;    // the first of its logical line
  };
  std::vector<Line> lines_;
};

// The elements of a list value, such as smtp_tls_policy_maps: separated by commas and white space, but not in braces.
std::vector<std::string> list_elements(std::string_view value);

}  // namespace mtasts::setup
