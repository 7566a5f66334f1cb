// A mail with reports attached (RFC 8460 §5.3): as the part of a multipart/report, or wherever else senders and lists
// put it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "adapters/cli/report/refusal.h"

namespace mtasts::report {

// The attached reports, decoded, at least one: JSON or gzip. Refused: what is no mail; parts within parts more than ten
// deep, more than 1000 parts; a part, or an encoded text, that is cut off or damaged; a mail that says that it brings a
// report and brings none. kOtherSubject: any other mail without a report. Needs the memory of `mail` once more.
Read<std::vector<std::string>> attached_reports(std::string_view mail);

}  // namespace mtasts::report
