#include <algorithm>

#include "adapters/cli/report/render.h"

namespace mtasts::report {
namespace {

constexpr std::size_t kColumns = 80;
constexpr std::size_t kGap = 2;
constexpr std::size_t kMaxRows = 40;
constexpr std::size_t kPolicyType = 15;  // "no-policy-found"

struct Line {
  std::string name;  // harmless already
  std::vector<std::uint64_t> numbers;
};

std::string padded(const std::string& text, std::size_t width) {
  return text + std::string(width - std::min(width, columns(text)), ' ');
}

std::string right(const std::string& text, std::size_t width) {
  return std::string(width - std::min(width, text.size()), ' ') + text;
}

class Table {
 public:
  Table(std::string title, std::vector<std::string> heads, const TextStyle& style)
      : title_(std::move(title)), heads_(std::move(heads)), style_(style) {}

  void add(Line line) { lines_.push_back(std::move(line)); }

  [[nodiscard]] std::string text() const {
    if (lines_.empty()) return {};
    std::string out = "\n" + painted(title_ + numbers(heads_, columns(title_)), "1") + "\n";
    const std::size_t shown = std::min(lines_.size(), kMaxRows);
    for (std::size_t i = 0; i < shown; ++i) {
      const auto& [name, values] = lines_[i];
      std::vector<std::string> texts;
      for (const std::uint64_t value : values) texts.push_back(std::to_string(value));
      out += name + numbers(texts, columns(name), values.back() > 0) + "\n";
    }
    if (lines_.size() > shown) out += "and " + std::to_string(lines_.size() - shown) + " more; --json has them all\n";
    return out;
  }

  // What numbers and gaps leave.
  [[nodiscard]] std::size_t name_width() const {
    constexpr std::size_t kNumber = 20;  // of 2^64-1
    return kColumns - heads_.size() * (kNumber + kGap);
  }

 private:
  [[nodiscard]] std::string painted(const std::string& text, const std::string& code) const {
    return style_.colour ? "\x1b[" + code + "m" + text + "\x1b[0m" : text;
  }
  // The numbers, right-aligned at the table's edge, after a name of `used` columns; the last one counts failures.
  [[nodiscard]] std::string numbers(const std::vector<std::string>& texts, std::size_t used,
                                    bool is_bad = false) const {
    std::string out(kColumns - used - texts.size() * width(), ' ');
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const std::string cell = right(texts[i], width());
      out += is_bad && i + 1 == texts.size() ? painted(cell, "31") : cell;
    }
    return out;
  }
  [[nodiscard]] std::size_t width() const { return (kColumns - name_width()) / heads_.size(); }

  std::string title_;
  std::vector<std::string> heads_;
  TextStyle style_;
  std::vector<Line> lines_;
};

std::string by_day(const Summary& summary, const TextStyle& style) {
  Table table("Day, the last first", {"successful", "failed"}, style);
  for (auto day = summary.days.rbegin(); day != summary.days.rend(); ++day)
    table.add({day_text(day->first), {day->second.successful, day->second.failed}});
  return table.text();
}

std::string by_policy(const Summary& summary, const TextStyle& style) {
  Table table("Policy", {"successful", "failed"}, style);
  for (const auto& [names, counts] : ranked_policies(summary)) {
    const std::string type = padded(for_terminal(names[0], kPolicyType, style.charset), kPolicyType + kGap);
    table.add({type + for_terminal(names[1], table.name_width() - kPolicyType - kGap, style.charset),
               {counts.successful, counts.failed}});
  }
  return table.text();
}

std::string by_sender(const Summary& summary, const TextStyle& style) {
  Table table("Sender", {"successful", "failed"}, style);
  for (const auto& [names, counts] : ranked_senders(summary))
    table.add({for_terminal(names[0], table.name_width(), style.charset), {counts.successful, counts.failed}});
  return table.text();
}

std::string by_failure(const Summary& summary, const TextStyle& style) {
  Table table("Type of failure", {"sessions"}, style);
  for (const auto& [names, counts] : ranked_failures(summary))
    table.add({for_terminal(names[0], table.name_width(), style.charset), {counts.failed}});
  return table.text();
}

}  // namespace

std::string to_table(const Summary& summary, const TextStyle& style) {
  if (summary.reports == 0) return "no reports\n";
  const std::string first = day_text(summary.days.begin()->first);
  const std::string last = day_text(summary.days.rbegin()->first);
  std::string out = std::to_string(summary.reports) + (summary.reports == 1 ? " report" : " reports") + ", " +
                    (first == last ? first : first + " to " + last) + "\n" + std::to_string(summary.total.successful) +
                    " sessions were successful, " + std::to_string(summary.total.failed) + " failed\n";
  return out + by_day(summary, style) + by_policy(summary, style) + by_sender(summary, style) +
         by_failure(summary, style);
}

}  // namespace mtasts::report
