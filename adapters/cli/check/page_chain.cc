// The chain as a picture: a box for each link, an arrow to the next, each in the colour of what was found there.
#include <algorithm>

#include "adapters/cli/check/page_parts.h"
#include "adapters/cli/check/reading.h"

namespace mtasts::check {
namespace {

using Mark = Row::Mark;

constexpr std::size_t kMaxLines = 6;
constexpr int kLineHeight = 20;
constexpr int kHeadHeight = 30;
constexpr int kGap = 40;

struct Line {
  Mark mark;
  std::string text;
};

struct Box {
  std::string title;
  std::vector<Line> lines{};

  [[nodiscard]] Mark mark() const {
    Mark worst = Mark::kOk;
    for (const Line& line : lines) worst = std::max(worst, line.mark);
    return worst;
  }
  [[nodiscard]] int height() const { return kHeadHeight + kLineHeight * static_cast<int>(lines.size()) + 6; }
};

struct Layout {
  const char* css;
  int width;         // of a box
  std::size_t room;  // characters of a line
  bool is_tall;
};

constexpr Layout kLong{"long", 236, 26, false};
constexpr Layout kTall{"tall", 340, 41, true};

std::string cut(const std::string& text, std::size_t room) {
  return text.size() <= room ? html(text) : html(std::string_view(text).substr(0, room - 1)) + "&#8230;";
}

Box bounded(Box box) {
  if (box.lines.size() <= kMaxLines) return box;
  // The worst ones are shown.
  std::ranges::stable_sort(box.lines, [](const Line& a, const Line& b) { return a.mark > b.mark; });
  const std::size_t more = box.lines.size() - (kMaxLines - 1);
  Line rest{box.lines[kMaxLines - 1].mark, "and " + std::to_string(more) + " more"};
  box.lines.resize(kMaxLines - 1);
  box.lines.push_back(std::move(rest));
  return box;
}

Box record_box(const Report& report) {
  Box box{"RECORD"};
  const std::vector<Row> all = rows(report, Section::kDns);
  for (const Row& row : all) {
    if (row.label == "_smtp._tls" || row.label.starts_with("_smtp._tls.")) continue;
    const bool is_record = &row == &all.front();
    box.lines.push_back({row.mark, is_record ? row.text : row.label + " " + row.text});
  }
  return box;
}

Box host_box(const Report& report) {
  Box box{"POLICY HOST"};
  for (const Row& row : rows(report, Section::kPolicyHost))
    box.lines.push_back({row.mark, row.label == "name" ? row.text : row.label});
  const std::vector<Row> policy = rows(report, Section::kPolicy);
  Line line{policy.front().mark, policy.front().label + " " + policy.front().text};
  if (const auto found = read(report.facts).policy)
    line.text = std::string(mode_name(found->mode)) + ", max_age " + duration_text(found->max_age);
  for (const Row& row : policy) line.mark = std::max(line.mark, row.mark);
  box.lines.push_back(std::move(line));
  return box;
}

Box mx_box(const Report& report) {
  Box box{"MX"};
  for (const Row& row : rows(report, Section::kMx)) box.lines.push_back({row.mark, row.label});
  return box;
}

std::vector<Box> boxes(const Report& report) {
  return {Box{"DOMAIN", {{Mark::kOk, report.facts.domain.text()}}}, bounded(record_box(report)),
          bounded(host_box(report)), bounded(mx_box(report))};
}

std::string number(int value) { return std::to_string(value); }

std::string draw_box(const Box& box, int x, int y, int height, const Layout& layout) {
  std::string svg = "<g class=\"" + std::string(css_class(box.mark())) + "\"><rect class=\"box\" x=\"" + number(x) +
                    "\" y=\"" + number(y) + "\" width=\"" + number(layout.width) + "\" height=\"" + number(height) +
                    "\" rx=\"8\"/><text class=\"title\" x=\"" + number(x + 12) + "\" y=\"" + number(y + 20) + "\">" +
                    html(box.title) + "</text>";
  int baseline = y + kHeadHeight + 12;
  for (const Line& line : box.lines) {
    svg += "<g class=\"" + std::string(css_class(line.mark)) + "\"><title>" + html(line.text) +
           "</title><text class=\"sign\" x=\"" + number(x + 12) + "\" y=\"" + number(baseline) + "\">" +
           std::string(mark_sign(line.mark)) + "</text><text x=\"" + number(x + 30) + "\" y=\"" + number(baseline) +
           "\">" + cut(line.text, layout.room) + "</text></g>";
    baseline += kLineHeight;
  }
  return svg + "</g>";
}

// Between two boxes, to the right or down; in the colour of what it leads to.
std::string draw_arrow(Mark mark, int x, int y, bool is_tall) {
  const int end = kGap - 6;
  const std::string turn = is_tall ? " rotate(90)" : "";
  return "<g class=\"" + std::string(css_class(mark)) + "\" transform=\"translate(" + number(x) + " " + number(y) +
         ")" + turn + "\"><path class=\"arrow\" d=\"M6 0H" + number(end - 8) + "\"/><path class=\"head\" d=\"M" +
         number(end - 9) + " -6L" + number(end) + " 0L" + number(end - 9) + " 6Z\"/></g>";
}

std::string draw(const std::vector<Box>& all, const Layout& layout, const std::string& label) {
  int tallest = 0;
  for (const Box& box : all) tallest = std::max(tallest, box.height());
  std::string inner;
  int x = 2;
  int y = 2;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const int height = layout.is_tall ? all[i].height() : tallest;
    inner += draw_box(all[i], x, y, height, layout);
    if (i + 1 < all.size())
      inner += layout.is_tall ? draw_arrow(all[i + 1].mark(), x + layout.width / 2, y + height, true)
                              : draw_arrow(all[i + 1].mark(), x + layout.width, y + height / 2, false);
    (layout.is_tall ? y : x) += (layout.is_tall ? height : layout.width) + kGap;
  }
  const int width = layout.is_tall ? layout.width + 4 : x - kGap + 2;
  const int height = layout.is_tall ? y - kGap + 2 : tallest + 4;
  return "<svg class=\"chain " + std::string(layout.css) + "\" viewBox=\"0 0 " + number(width) + " " + number(height) +
         "\" role=\"img\" aria-label=\"" + html(label) + "\">" + inner + "</svg>\n";
}

}  // namespace

std::string chain_pictures(const Report& report) {
  const std::vector<Box> all = boxes(report);
  std::string label;
  for (const Box& box : all)
    label += (label.empty() ? "" : ", then ") + box.title + " " + std::string(mark_name(box.mark()));
  return draw(all, kLong, label) + draw(all, kTall, label);
}

}  // namespace mtasts::check
