#include "adapters/cli/setup/main_cf.h"

#include <algorithm>

#include "adapters/cli/setup/marks.h"
#include "core/ascii.h"

namespace mtasts::setup {

// postconf(5): a line that starts with white space continues the one before, comments and empty lines in between or
// not.
MainCf::MainCf(std::string_view text) {
  std::string parameter;
  for (std::string& line : lines_of(text)) {
    const std::string_view words = trimmed(line);
    if (words.empty() || words.front() == '#') {
      lines_.push_back({std::move(line), {}, false});
      continue;
    }
    const bool begins = !ascii::is_blank(line.front());
    if (begins) parameter = trimmed(words.substr(0, words.find('=')));
    lines_.push_back({std::move(line), parameter, begins});
  }
}

std::optional<std::string> MainCf::value(const std::string& name) const {
  std::optional<std::string> value;
  for (const Line& line : lines_) {
    if (line.parameter != name) continue;
    const std::string_view words = trimmed(line.text);
    if (line.begins) {
      value = words.find('=') == std::string_view::npos ? std::string()
                                                        : std::string(trimmed(words.substr(words.find('=') + 1)));
    } else if (value) {
      *value += (value->empty() ? "" : " ") + std::string(words);
    }
  }
  return value;
}

std::string MainCf::with(const std::vector<std::pair<std::string, std::string>>& settings) const {
  std::string text;
  for (const Line& line : lines_) {
    const bool replaced =
        std::any_of(settings.begin(), settings.end(), [&](const auto& one) { return one.first == line.parameter; });
    text += replaced ? set_aside(line.text) : line.text;
  }
  if (!text.empty() && text.back() != '\n') text += '\n';
  std::string ours;
  for (const auto& [name, value] : settings) ours.append(name).append(" = ").append(value).append("\n");
  return settings.empty() ? text : text + marked_block("#", "postfix", ours);
}

std::vector<std::string> list_elements(std::string_view value) {
  std::vector<std::string> found;
  std::string element;
  int braces = 0;
  for (const char c : value) {
    if (c == '{') ++braces;
    if (c == '}') --braces;
    if (braces > 0 || (!ascii::is_blank(c) && c != ',' && c != '\n' && c != '\r')) {
      element += c;
    } else if (!element.empty()) {
      found.push_back(std::move(element));
      element.clear();
    }
  }
  if (!element.empty()) found.push_back(std::move(element));
  return found;
}

}  // namespace mtasts::setup
