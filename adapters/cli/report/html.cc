#include "adapters/cli/report/render.h"

namespace mtasts::report {
namespace {

constexpr std::size_t kMaxRows = 1000;

constexpr const char* kHead = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>TLS reports</title>
<style>
:root { --text: #1b1f24; --back: #ffffff; --line: #d0d7de; --good: #2f7d4f; --bad: #c62828; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e3e7ec; --back: #14181d; --line: #3a424c; --good: #58b57c; --bad: #ff6b61; }
}
body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); max-width: 50rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; vertical-align: top; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; padding-right: 0; padding-left: .75rem; }
td.bad { color: var(--bad); }
svg { width: 100%; height: auto; }
svg text { font: 13px system-ui, sans-serif; fill: currentColor; }
svg line { stroke: var(--line); }
rect.successful { fill: var(--good); }
rect.failed { fill: var(--bad); }
</style>
</head>
<body>
)";

std::string cell(const std::string& text) { return "<td>" + for_html(text) + "</td>"; }

std::string count(std::uint64_t value, bool is_bad) {
  return std::string("<td class=\"number") + (is_bad && value > 0 ? " bad" : "") + "\">" + std::to_string(value) +
         "</td>";
}

class Section {
 public:
  Section(const std::string& title, const std::vector<std::string>& names, const std::vector<std::string>& numbers) {
    out_ = "<h2>" + title + "</h2>\n<table>\n<tr>";
    for (const std::string& name : names) out_ += "<th>" + name + "</th>";
    for (const std::string& name : numbers) out_ += "<th class=\"number\">" + name + "</th>";
    out_ += "</tr>\n";
  }
  void row(const std::string& cells) {
    if (++rows_ <= kMaxRows) out_ += "<tr>" + cells + "</tr>\n";
  }
  [[nodiscard]] std::string text() const {
    if (rows_ == 0) return {};
    const std::string more =
        rows_ > kMaxRows ? "<p>and " + std::to_string(rows_ - kMaxRows) + " more; --json has them all</p>\n" : "";
    return out_ + "</table>\n" + more;
  }

 private:
  std::string out_;
  std::size_t rows_ = 0;
};

std::string both(const Counts& counts) { return count(counts.successful, false) + count(counts.failed, true); }

std::string days(const Summary& summary) {
  Section section("By day", {"day"}, {"successful", "failed"});
  for (auto day = summary.days.rbegin(); day != summary.days.rend(); ++day)
    section.row(cell(day_text(day->first)) + both(day->second));
  return section.text();
}

std::string policies(const Summary& summary) {
  Section section("By policy", {"type", "domain"}, {"successful", "failed"});
  for (const auto& [names, counts] : ranked_policies(summary))
    section.row(cell(names[0]) + cell(names[1]) + both(counts));
  return section.text();
}

std::string senders(const Summary& summary) {
  Section section("By sender", {"organization"}, {"successful", "failed"});
  for (const auto& [names, counts] : ranked_senders(summary)) section.row(cell(names[0]) + both(counts));
  return section.text();
}

std::string failures(const Summary& summary) {
  Section section("By type of failure", {"type"}, {"sessions"});
  for (const auto& [names, counts] : ranked_failures(summary)) section.row(cell(names[0]) + count(counts.failed, true));
  return section.text();
}

std::string refused(const Summary& summary) {
  Section section("Not counted", {"file", "reason"}, {});
  for (const auto& [file, reason] : summary.refused) section.row(cell(file) + cell(reason));
  return section.text();
}

std::string conflicts(const Summary& summary) {
  Section section("Different reports with one organization and id: counted once, with the larger number of each",
                  {"file", "other file", "organization", "report id"}, {});
  for (const auto& [file, other, organization, id] : summary.conflicts)
    section.row(cell(file) + cell(other) + cell(organization) + cell(id));
  return section.text();
}

}  // namespace

std::string to_html(const Summary& summary) {
  std::string out = kHead;
  out += "<h1>TLS reports</h1>\n<p>" + std::to_string(summary.reports) +
         (summary.reports == 1 ? " report: " : " reports: ") + std::to_string(summary.total.successful) +
         " sessions were successful, " + std::to_string(summary.total.failed) + " failed.</p>\n";
  out += to_svg(summary) + failures(summary) + policies(summary) + senders(summary) + days(summary) +
         conflicts(summary) + refused(summary);
  return out + "</body>\n</html>\n";
}

}  // namespace mtasts::report
