#include "adapters/cli/setup/marks.h"

#include "core/ascii.h"

namespace mtasts::setup {
namespace {

constexpr std::string_view kBegin = "BEGIN mtasts setup";
constexpr std::string_view kEnd = "END mtasts setup";
constexpr std::string_view kAside = "# mtasts setup: ";

// Both marks stand behind the file's comment sign.
bool is_mark(std::string_view line, std::string_view mark) {
  for (const std::string_view comment : {"# ", "dnl "}) {
    if (line.starts_with(comment) && line.substr(comment.size()).starts_with(mark)) return true;
  }
  return false;
}

}  // namespace

std::string marked_block(std::string_view comment, std::string_view host, std::string_view lines) {
  const std::string sign = std::string(comment) + " ";
  std::string block = sign + std::string(kBegin) + ": \"mtasts setup " + std::string(host) +
                      " --undo\" takes these lines away\n" + std::string(lines);
  if (!block.ends_with('\n')) block += '\n';
  return block + sign + std::string(kEnd) + "\n";
}

std::string set_aside(std::string_view line) { return std::string(kAside) + std::string(line); }

std::string unmarked(std::string_view text) {
  std::string rest;
  bool inside = false;
  for (const std::string& line : lines_of(text)) {
    if (is_mark(line, kBegin)) inside = true;
    if (!inside) rest += line.starts_with(kAside) ? line.substr(kAside.size()) : line;
    if (is_mark(line, kEnd)) inside = false;
  }
  return rest;
}

std::vector<std::string> blocks(std::string_view text) {
  std::vector<std::string> found;
  bool inside = false;
  for (const std::string& line : lines_of(text)) {
    if (is_mark(line, kBegin)) {
      inside = true;
      found.emplace_back();
    }
    if (inside) found.back() += line;
    if (is_mark(line, kEnd)) inside = false;
  }
  return found;
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return lines;
}

std::string_view trimmed(std::string_view line) { return ascii::trimmed(line, " \t\r\n"); }

}  // namespace mtasts::setup
