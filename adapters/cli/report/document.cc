#include "adapters/cli/report/document.h"

#include "adapters/cli/report/gzip.h"
#include "adapters/cli/report/mail.h"

namespace mtasts::report {
namespace {

// What is unpacked is freed before the next attachment. `room`: of kMaxUnpacked, what is left.
Read<TlsReport> one_report(std::string_view bytes, std::size_t& room) {
  std::string unpacked;
  if (is_gzip(bytes)) {
    auto content = gunzip(bytes, kMaxUnpacked);
    if (!content) return tl::unexpected(content.error());
    if (is_gzip(*content)) return refuse("gzip within gzip");
    unpacked = std::move(*content);
    bytes = unpacked;
  }
  if (bytes.size() > room) return refuse("more than 20 MiB unpacked");
  room -= bytes.size();
  return parse_tls_report(bytes);
}

bool looks_like_json(std::string_view bytes) {
  if (bytes.starts_with("\xef\xbb\xbf")) bytes.remove_prefix(3);
  const std::size_t first = bytes.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && (bytes[first] == '{' || bytes[first] == '[');
}

}  // namespace

Read<std::vector<TlsReport>> reports_in(std::string_view file) {
  if (file.empty()) return refuse("empty");
  if (file.size() > kMaxFile) return refuse("larger than 32 MiB");
  std::size_t room = kMaxUnpacked;
  std::vector<TlsReport> reports;
  const auto add = [&](std::string_view bytes) {
    return one_report(bytes, room).map([&](TlsReport report) { reports.push_back(std::move(report)); });
  };
  if (is_gzip(file) || looks_like_json(file)) {
    if (const auto added = add(file); !added) return tl::unexpected(added.error());
    return reports;
  }
  const auto attached = attached_reports(file);
  if (!attached) return tl::unexpected(attached.error());
  for (const std::string& bytes : *attached) {
    if (const auto added = add(bytes); !added) return tl::unexpected(added.error());
  }
  return reports;
}

}  // namespace mtasts::report
