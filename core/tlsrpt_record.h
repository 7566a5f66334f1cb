// The TXT record at _smtp._tls.<policy domain>, by which a domain asks for reports (RFC 8460 §3, R31).
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace mtasts {

// The record, or nothing: no reports are wanted where there is none, or more than one, or one that names no place to
// send them to. `texts`: one element a TXT RR, its character strings already joined, any bytes.
std::optional<std::string> tlsrpt_record(const std::vector<std::string>& texts);

}  // namespace mtasts
