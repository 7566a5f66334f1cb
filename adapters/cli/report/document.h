// What one file holds: JSON, gzip, or a mail with one of both attached; found out by its first bytes.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "adapters/cli/report/tls_report.h"

namespace mtasts::report {

constexpr std::size_t kMaxUnpacked = std::size_t{20} << 20U;  // of all reports of a file together
constexpr std::size_t kMaxFile = std::size_t{32} << 20U;      // as a mail, base64 adds a third

// Every report of the file, at least one; one that is refused takes the others of its file with it.
Read<std::vector<TlsReport>> reports_in(std::string_view file);

}  // namespace mtasts::report
