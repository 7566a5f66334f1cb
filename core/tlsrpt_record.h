// The TXT record at _smtp._tls.<policy domain>, by which a domain asks for reports (RFC 8460 §3, R31).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace mtasts {

inline constexpr std::size_t kMaxTlsrptRecord = 2048;  // octets; records are cached, and have room for 20 addresses

// The record, or nothing: no reports are wanted where there is none, or more than one, or one that is too long or names
// no place to send them to. `texts`: one element a TXT RR, its character strings already joined, any bytes.
std::optional<std::string> tlsrpt_record(const std::vector<std::string>& texts);

// Such a record in a form that tlsrpt-reporter 0.6 can read; itself where it is one. That takes no blank before a
// semicolon or beside a comma, no field before `rua` and no scheme in capitals, and one destination that is neither
// mailto: nor https: costs a domain its reports to all of them.
std::string plain_tlsrpt_record(const std::string& record);

}  // namespace mtasts
