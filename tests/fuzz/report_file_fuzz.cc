// Any file: what becomes of it can be shown on a terminal, in JSON and in HTML.
#include "adapters/cli/report/document.h"
#include "adapters/cli/report/render.h"
#include "core/utf8.h"
#include "tests/fuzz/fuzz.h"

using mtasts::fuzz::require;
using namespace mtasts::report;

namespace {

bool is_harmless(std::string_view line) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    const auto byte = static_cast<unsigned char>(line[i]);
    const unsigned next = i + 1 < line.size() ? static_cast<unsigned char>(line[i + 1]) : 0;
    if (byte < 0x20 || byte == 0x7f || (byte == 0xc2 && next < 0xa0)) return false;
  }
  return line.find("\xe2\x80\xae") == std::string_view::npos && mtasts::is_utf8(line);
}

void check_table(std::string_view table) {
  while (!table.empty()) {
    const std::string_view line = table.substr(0, table.find('\n'));
    require(is_harmless(line), "no control character reaches the terminal");
    require(columns(line) <= 80, "a table fits 80 columns");
    table.remove_prefix(line.size() + 1);
  }
}

void check_page(const std::string& page) {
  require(mtasts::is_utf8(page), "a page is UTF-8");
  for (const char* markup : {"<script", "<img", "<iframe", "<a ", "\x1b", "\xe2\x80\xae"})
    require(page.find(markup) == std::string::npos, "a page has its own markup only");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Collection collection;
  const auto reports = reports_in(mtasts::fuzz::text(data, size));
  if (!reports) {
    require(mtasts::fuzz::is_one_line(reports.error().reason), "a reason is one line");
    collection.refuse(std::string(mtasts::fuzz::text(data, std::min<std::size_t>(size, 100))), reports.error().reason);
  } else {
    require(!reports->empty(), "a file that is taken has a report");
    for (const TlsReport& report : *reports) require(collection.add(report, "file").has_value(), "one file has room");
  }
  check_table(to_table(collection.summary(), {false, Charset::kUtf8}));
  check_table(to_table(collection.summary(), {false, Charset::kAscii}));
  check_page(to_html(collection.summary()));
  for (const char c : to_json(collection.summary())) require(c >= 0x20 && c < 0x7f, "JSON is printable ASCII");
  return 0;
}
