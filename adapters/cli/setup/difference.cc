// How a file would change, for a person.
#include <algorithm>

#include "adapters/cli/setup/marks.h"
#include "adapters/cli/setup/setup.h"

namespace mtasts::setup {
namespace {

constexpr std::size_t kShown = 12;  // of a run of new lines

using Lines = std::vector<std::string>;

// length[i][j] of the longest common subsequence of what is left of both from there.
class CommonLines {
 public:
  CommonLines(const Lines& a, const Lines& b) : width_(b.size() + 1), length_((a.size() + 1) * width_) {
    for (std::size_t i = a.size(); i-- > 0;) {
      for (std::size_t j = b.size(); j-- > 0;) {
        at(i, j) = a[i] == b[j] ? at(i + 1, j + 1) + 1 : std::max(at(i + 1, j), at(i, j + 1));
      }
    }
  }
  unsigned& at(std::size_t i, std::size_t j) { return length_[i * width_ + j]; }

 private:
  std::size_t width_;
  std::vector<unsigned> length_;
};

std::string run_of(char sign, const Lines& lines) {
  std::string text;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i == kShown && lines.size() > kShown + 3) {
      return text + "    ... and " + std::to_string(lines.size() - i) + " more lines\n";
    }
    const std::string_view line = lines[i];
    text += std::string("    ") + sign + " " + std::string(line.substr(0, line.find_last_not_of("\r\n") + 1)) + "\n";
  }
  return text;
}

}  // namespace

std::string show_difference(const std::string& before, const std::string& after) {
  const Lines a = lines_of(before);
  const Lines b = lines_of(after);
  CommonLines common(a, b);
  std::string text;
  for (std::size_t i = 0, j = 0; i < a.size() || j < b.size();) {
    if (i < a.size() && j < b.size() && a[i] == b[j]) {
      ++i, ++j;
      continue;
    }
    const std::size_t line = j + 1;
    Lines gone;
    Lines added;
    while ((i < a.size() || j < b.size()) && !(i < a.size() && j < b.size() && a[i] == b[j])) {
      if (j == b.size() || (i < a.size() && common.at(i + 1, j) >= common.at(i, j + 1))) {
        gone.push_back(a[i++]);
      } else {
        added.push_back(b[j++]);
      }
    }
    text += "    line " + std::to_string(line) + ":\n" + run_of('-', gone) + run_of('+', added);
  }
  return text;
}

}  // namespace mtasts::setup
