#include "adapters/cli/setup/exim_template.h"

#include <algorithm>

#include "adapters/cli/setup/marks.h"

namespace mtasts::setup {
namespace {

bool is_rule(std::string_view line) {
  return line.size() > 20 && line.find_first_not_of('#') == std::string_view::npos;
}

bool begins_instance(std::string_view line) {
  return line.ends_with(':') && line.find_first_of(" =") == std::string_view::npos;
}

}  // namespace

std::optional<std::string> insert_before_section(const std::string& text, const std::string& section,
                                                 const std::string& block) {
  const std::vector<std::string> lines = lines_of(text);
  std::string before;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const bool is_head = is_rule(trimmed(lines[i])) && i + 2 < lines.size() &&
                         trimmed(lines[i + 1]) == "### " + section && is_rule(trimmed(lines[i + 2]));
    if (is_head) {
      std::string rest;
      for (std::size_t j = i; j < lines.size(); ++j) rest += lines[j];
      before += block;
      before += rest;
      return before;
    }
    before += lines[i];
  }
  return std::nullopt;
}

std::vector<std::string> own_options(const std::string& text, const std::string& transport) {
  std::vector<std::string> found;
  bool inside = false;
  int conditions = 0;
  for (const std::string& line : lines_of(text)) {
    const std::string_view words = trimmed(line);
    if (words.empty() || words.front() == '#') continue;
    if (words.starts_with(".if")) {
      ++conditions;
    } else if (words.starts_with(".endif")) {
      --conditions;
    } else if (begins_instance(words) || words.starts_with("begin ")) {
      inside = words == transport + ":";
    } else if (inside && conditions == 0 && !words.starts_with("debug_print") && !words.starts_with("driver")) {
      found.emplace_back(words);
    }
  }
  return found;
}

}  // namespace mtasts::setup
