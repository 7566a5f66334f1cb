#include "adapters/cli/check/text.h"

#include <algorithm>

#include "adapters/cli/check/rows.h"

namespace mtasts::check {
namespace {

using Mark = Row::Mark;

constexpr std::size_t kMarkWidth = 10;
constexpr std::size_t kIndent = 2;
constexpr std::size_t kColumn = kIndent + kMarkWidth;  // of all that follows a mark
constexpr std::size_t kMinWidth = 40;
constexpr std::size_t kMinText = 20;
constexpr std::size_t kMaxWidth = 160;

std::string spaces(std::size_t count) { return std::string(count, ' '); }

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text += spaces(width - text.size());
  return text;
}

const char* colour_of(Mark mark) {
  switch (mark) {
    case Mark::kOk:
      return "32";
    case Mark::kInfo:
      return "36";
    case Mark::kUnknown:
      return "35";
    case Mark::kWarning:
      return "33";
    case Mark::kCritical:
      return "1;31";
    case Mark::kNothing:
      break;
  }
  return "2";
}

class Writer {
 public:
  explicit Writer(const Terminal& terminal)
      : colour_(terminal.colour), width_(std::clamp(terminal.width, kMinWidth, kMaxWidth)) {}

  [[nodiscard]] std::string painted(const std::string& text, const char* code) const {
    return colour_ ? std::string("\x1b[") + code + "m" + text + "\x1b[0m" : text;
  }
  [[nodiscard]] std::string mark(Mark mark, std::size_t width = 0) const {
    const std::string name(mark_name(mark));
    return painted(name, colour_of(mark)) + spaces(width > name.size() ? width - name.size() : 0);
  }
  void title(std::string_view text) { out_ += "\n" + painted(std::string(text), "1") + "\n"; }
  void line(const std::string& text) { out_ += text + "\n"; }

  // `first`, which takes up `taken` columns, then `text`; it goes on in `column`.
  void wrapped(const std::string& first, std::size_t taken, std::size_t column, std::string_view text) {
    out_ += first + std::string(take_line(text, room_after(taken))) + "\n";
    while (!text.empty()) out_ += spaces(column) + std::string(take_line(text, room_after(column))) + "\n";
  }
  [[nodiscard]] std::size_t width() const { return width_; }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  [[nodiscard]] std::size_t room_after(std::size_t taken) const { return std::max(width_, taken + kMinText) - taken; }

  // A word that does not fit at all is left to the terminal, so that it can be copied.
  static std::string_view take_line(std::string_view& text, std::size_t width) {
    std::size_t end = text.size();
    if (text.size() > width) {
      end = text.rfind(' ', width);
      if (end == std::string_view::npos || end == 0) end = std::min(text.find(' ', width), text.size());
    }
    const std::string_view piece = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return piece;
  }

  bool colour_;
  std::size_t width_;
  std::string out_;
};

// Where the column of texts begins: behind the longest label, unless that leaves too little room.
std::size_t label_width(const std::vector<Row>& rows, std::size_t width) {
  std::size_t longest = 0;
  for (const Row& row : rows)
    if (!row.text.empty()) longest = std::max(longest, row.label.size());
  return std::min(longest + 2, width / 3);
}

void write_row(Writer& writer, const Row& row, std::size_t labels) {
  const std::string mark = spaces(kIndent) + writer.mark(row.mark, kMarkWidth);
  if (row.label.size() + 2 <= labels) {
    writer.wrapped(mark + padded(row.label, labels), kColumn + labels, kColumn + labels, row.text);
  } else {
    writer.line(mark + row.label);
    if (!row.text.empty()) writer.wrapped(spaces(kColumn), kColumn, kColumn, row.text);
  }
  for (const Finding* finding : row.findings) {
    const std::string code(finding->code);
    writer.wrapped(spaces(kColumn) + writer.painted(code, colour_of(mark_of(finding->severity))) + ": ",
                   kColumn + code.size() + 2, kColumn + 2, finding->message);
  }
}

void write_section(Writer& writer, const Report& report, Section section) {
  const std::vector<Row> all = rows(report, section);
  writer.title(section_title(section));
  const std::size_t labels = label_width(all, writer.width());
  for (const Row& row : all) write_row(writer, row, labels);
}

std::string source(const Finding& finding) { return " (" + finding.rfc + ")"; }

void write_fixes(Writer& writer, const std::vector<Finding>& findings) {
  if (findings.empty()) return;
  writer.title("FIX");
  for (const Finding* finding : by_gravity(findings)) {
    const Mark mark = mark_of(finding->severity);
    const std::string code(finding->code);
    writer.wrapped(spaces(kIndent) + writer.mark(mark, kMarkWidth) + writer.painted(code, colour_of(mark)) + "  ",
                   kColumn + code.size() + 2, kColumn, finding->subject);
    const Fix fix = split_fix(finding->fix);
    const bool has_line = !fix.line.empty();
    writer.wrapped(spaces(kColumn), kColumn, kColumn, std::string(fix.words) + (has_line ? "" : source(*finding)));
    if (has_line) writer.line(spaces(kColumn) + std::string(fix.line));
  }
}

}  // namespace

std::string to_text(const Report& report, const Terminal& terminal) {
  Writer writer(terminal);
  writer.line(writer.painted(report.facts.domain.text(), "1") + "  " + writer.mark(status_mark(report)) + "  " +
              counted(report.findings));
  for (const Section section : {Section::kDns, Section::kPolicyHost, Section::kPolicy, Section::kMx})
    write_section(writer, report, section);
  writer.title("IMPACT");
  writer.wrapped(spaces(kIndent), kIndent, kIndent, report.impact);
  write_fixes(writer, report.findings);
  return writer.take();
}

std::string summary_line(const Report& report, const Terminal& terminal) {
  const Writer writer(terminal);
  return writer.mark(status_mark(report), kMarkWidth) + padded(report.facts.domain.text(), 32) + "  " +
         counted(report.findings) + "\n";
}

}  // namespace mtasts::check
