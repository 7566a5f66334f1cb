// The plot of the page: a bar for each day, or for as many days as make no more than 120 bars.
#include <algorithm>
#include <array>
#include <cstdio>
#include <map>

#include "adapters/cli/report/render.h"

namespace mtasts::report {
namespace {

using std::chrono::days;
using std::chrono::sys_days;

constexpr double kWidth = 760;
constexpr double kHeight = 160;
constexpr double kTop = 20;
constexpr long kMaxBars = 120;
constexpr double kLeastSeen = 2;  // a few failures among millions of sessions must be seen

std::string number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2f", value);
  return text.data();
}

std::string rectangle(const char* kind, double x, double y, double width, double height) {
  return std::string("<rect class=\"") + kind + "\" x=\"" + number(x) + "\" y=\"" + number(y) + "\" width=\"" +
         number(width) + "\" height=\"" + number(height) + "\"/>";
}

std::string label(double x, double y, const char* anchor, const std::string& text) {
  return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" text-anchor=\"" + anchor + "\">" + text + "</text>";
}

struct Bars {
  sys_days first;
  days each{1};
  std::map<long, Counts> counts;  // by number of the bar
  long number = 1;
};

Bars bars_of(const Summary& summary) {
  Bars bars{summary.days.begin()->first, days{1}, {}, 1};
  const long span = (summary.days.rbegin()->first - bars.first).count() + 1;
  bars.each = days{(span + kMaxBars - 1) / kMaxBars};
  bars.number = (span + bars.each.count() - 1) / bars.each.count();
  for (const auto& [day, counts] : summary.days) {
    Counts& sum = bars.counts[(day - bars.first) / bars.each];
    sum.successful = saturating_sum(sum.successful, counts.successful);
    sum.failed = saturating_sum(sum.failed, counts.failed);
  }
  return bars;
}

double total(const Counts& counts) {
  return static_cast<double>(counts.successful) + static_cast<double>(counts.failed);
}

std::string span_text(const Bars& bars, long number) {
  const sys_days begin = bars.first + number * bars.each;
  return bars.each == days{1} ? day_text(begin) : day_text(begin) + " to " + day_text(begin + bars.each - days{1});
}

std::string bar(const Bars& bars, long index, const Counts& counts, double highest) {
  const double step = kWidth / static_cast<double>(bars.number);
  const double width = std::min(step * 0.8, 40.0);
  const double x = step * static_cast<double>(index) + (step - width) / 2;
  const double share = kHeight / std::max(highest, 1.0);
  const double failed = counts.failed == 0 ? 0 : std::max(static_cast<double>(counts.failed) * share, kLeastSeen);
  const double successful = std::min(static_cast<double>(counts.successful) * share, kHeight - failed);
  const double bottom = kTop + kHeight;
  return "<g><title>" + span_text(bars, index) + ": " + std::to_string(counts.successful) + " successful, " +
         std::to_string(counts.failed) + " failed</title>" +
         rectangle("successful", x, bottom - successful, width, successful) +
         rectangle("failed", x, bottom - successful - failed, width, failed) + "</g>\n";
}

}  // namespace

std::string to_svg(const Summary& summary) {
  if (summary.days.empty()) return {};
  const Bars bars = bars_of(summary);
  double highest = 0;
  for (const auto& [index, counts] : bars.counts) highest = std::max(highest, total(counts));
  std::string out = "<svg viewBox=\"0 0 760 210\" role=\"img\" aria-label=\"Sessions over time\">\n";
  out += label(0, kTop - 6, "start",
               "up to " + std::to_string(static_cast<unsigned long long>(std::min(highest, 1.8e19))) +
                   (bars.each == days{1} ? " sessions a day" : " sessions a bar"));
  out += "\n";
  for (const auto& [index, counts] : bars.counts) out += bar(bars, index, counts, highest);
  out += "<line x1=\"0\" y1=\"180\" x2=\"760\" y2=\"180\"/>\n";
  out += label(0, 198, "start", day_text(summary.days.begin()->first));
  if (bars.number > 1) out += label(kWidth, 198, "end", day_text(summary.days.rbegin()->first));
  return out + "\n</svg>\n";
}

}  // namespace mtasts::report
