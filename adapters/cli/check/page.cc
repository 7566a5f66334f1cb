#include "adapters/cli/check/page.h"

#include <algorithm>

#include "adapters/cli/check/judgement.h"
#include "adapters/cli/check/page_parts.h"
#include "adapters/cli/check/reading.h"
#include "adapters/cli/check/sha256.h"
#include "core/timestamp.h"

namespace mtasts::check {
namespace {

using Mark = Row::Mark;

std::string badge(Mark mark) {
  return "<span class=\"badge " + std::string(css_class(mark)) + "\">" + std::string(mark_sign(mark)) + " " +
         std::string(mark_name(mark)) + "</span>";
}

std::string finding_html(const Finding& finding) {
  return "<dd class=\"finding " + std::string(css_class(mark_of(finding.severity))) + "\"><code class=\"name\">" +
         html(finding.code) + "</code> " + html(finding.message) + "</dd>\n";
}

std::string row_html(const Row& row) {
  std::string text = "<dt class=\"sign " + std::string(css_class(row.mark)) + "\" title=\"" +
                     std::string(mark_name(row.mark)) + "\">" + std::string(mark_sign(row.mark)) + "</dt>";
  text += row.text.empty() ? "<dd class=\"wide\">" + html(row.label) + "</dd>\n"
                           : "<dd>" + html(row.label) + "</dd><dd>" + html(row.text) + "</dd>\n";
  for (const Finding* finding : row.findings) text += finding_html(*finding);
  return text;
}

std::string card(const Report& report, Section section) {
  std::string text = "<div class=\"card\"><h3>" + std::string(section_title(section)) + "</h3><dl>\n";
  for (const Row& row : rows(report, section)) text += row_html(row);
  return text + "</dl></div>\n";
}

std::string fixes(const Report& report) {
  if (report.findings.empty()) return "";
  std::string text = "<div class=\"card\"><h3>FIX</h3><ol>\n";
  for (const Finding* finding : by_gravity(report.findings)) {
    const Mark mark = mark_of(finding->severity);
    const Fix fix = split_fix(finding->fix);
    text += "<li class=\"" + std::string(css_class(mark)) + "\">" + badge(mark) + " <code class=\"name\">" +
            html(finding->code) + "</code> <span class=\"dim\">" + html(finding->subject) + "</span><br>" +
            html(fix.words) + " <span class=\"dim\">(" + html(finding->rfc) + ")</span>";
    if (!fix.line.empty()) text += "<code class=\"copy\">" + html(fix.line) + "</code>";
    text += "</li>\n";
  }
  return text + "</ol></div>\n";
}

std::string body_of(const Report& report) {
  std::string text = "<p class=\"impact " + std::string(css_class(status_mark(report))) + "\">" + html(report.impact) +
                     "</p>\n" + chain_pictures(report) + fixes(report) + "<div class=\"cards\">\n";
  for (const Section section : {Section::kDns, Section::kPolicyHost, Section::kPolicy, Section::kMx})
    text += card(report, section);
  return text + "</div>\n";
}

std::string cell(const std::string& key, const std::string& shown) {
  return "<td data-sort=\"" + html(key) + "\">" + shown + "</td>";
}

std::string row_of(const Report& report, const std::string& anchor) {
  const auto count = [&](Severity severity) {
    return std::to_string(std::ranges::count(report.findings, severity, &Finding::severity));
  };
  const Reading reading = read(report.facts);
  const std::string mode = reading.policy ? std::string(mode_name(reading.policy->mode)) : "-";
  const std::string& name = report.facts.domain.text();
  const Mark mark = status_mark(report);
  return "<tr>" + cell(name, "<a href=\"#" + anchor + "\">" + html(name) + "</a>") +
         cell(std::to_string(static_cast<int>(mark)), badge(mark)) +
         cell(count(Severity::kCritical), count(Severity::kCritical)) +
         cell(count(Severity::kWarning), count(Severity::kWarning)) +
         cell(count(Severity::kUnknown), count(Severity::kUnknown)) + cell(mode, mode) +
         cell(std::to_string(report.facts.mx.size()), std::to_string(report.facts.mx.size())) + "</tr>\n";
}

constexpr std::string_view kTableHead =
    "<div class=\"table\"><table><thead><tr><th><button>Domain</button></th><th><button>Status</button></th>"
    "<th><button>Critical</button></th><th><button>Warnings</button></th><th><button>Unknown</button></th>"
    "<th><button>Mode</button></th><th><button>MX</button></th></tr></thead><tbody>\n";

std::string head(const std::string& title) {
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
         "script-src 'sha256-" +
         sha256_base64(page_script()) +
         "'; base-uri 'none'; form-action 'none'\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta name=\"referrer\" content=\"no-referrer\">\n<title>" +
         html(title) + "</title>\n<style>" + std::string(page_style()) + "</style>\n</head>\n<body>\n<main>\n";
}

}  // namespace

std::string html(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      case '\'':
        safe += "&#39;";
        break;
      default:
        safe += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    }
  }
  return safe;
}

std::string_view css_class(Mark mark) {
  switch (mark) {
    case Mark::kOk:
      return "ok";
    case Mark::kNothing:
      return "nothing";
    case Mark::kInfo:
      return "info";
    case Mark::kUnknown:
      return "unknown";
    case Mark::kWarning:
      return "warning";
    case Mark::kCritical:
      break;
  }
  return "critical";
}

std::string_view mark_sign(Mark mark) {
  switch (mark) {
    case Mark::kOk:
      return "&#10003;";
    case Mark::kNothing:
      return "&#8211;";
    case Mark::kInfo:
      return "i";
    case Mark::kUnknown:
      return "?";
    case Mark::kWarning:
      return "!";
    case Mark::kCritical:
      break;
  }
  return "&#10007;";
}

void Page::add(const Report& report) {
  const std::string anchor = "d" + std::to_string(++count_);
  const std::string& name = report.facts.domain.text();
  if (count_ == 1) {
    title_ = name;
    only_ = badge(status_mark(report)) + " " + html(counted(report.findings)) + body_of(report);
  } else {
    only_.clear();
  }
  seen_at_ = rfc3339(report.facts.seen_at);
  table_ += row_of(report, anchor);
  sections_ += "<details id=\"" + anchor + "\"><summary><h2>" + html(name) + "</h2> " + badge(status_mark(report)) +
               " <span class=\"dim\">" + html(counted(report.findings)) + "</span></summary>\n" + body_of(report) +
               "</details>\n";
}

std::string Page::finish() const {
  const bool is_one = count_ == 1;
  const std::string title = is_one ? title_ : std::to_string(count_) + " domains";
  std::string page = head("MTA-STS: " + title) + "<h1>" + html(title) +
                     "</h1>\n<p class=\"dim\">MTA-STS (RFC 8461) as senders find it, seen at " + html(seen_at_) +
                     "</p>\n";
  page += is_one ? only_ : std::string(kTableHead) + table_ + "</tbody></table></div>\n" + sections_;
  return page + "</main>\n<script>" + std::string(page_script()) + "</script>\n</body>\n</html>\n";
}

}  // namespace mtasts::check
