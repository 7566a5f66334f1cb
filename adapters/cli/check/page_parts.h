// Parts of the page. Not for anybody else.
#pragma once

#include <string>
#include <string_view>

#include "adapters/cli/check/report.h"
#include "adapters/cli/check/rows.h"

namespace mtasts::check {

// For text and for attributes in double quotes. Control characters become spaces.
std::string html(std::string_view text);

std::string_view css_class(Row::Mark mark);  // "ok", "nothing", "info", "unknown", "warning", "critical"
std::string_view mark_sign(Row::Mark mark);  // one character, so that the colour is not all that tells

// The chain domain, record, policy host, MX hosts as two pictures: side by side for wide windows, one below the other
// for narrow ones. The style shows one of them.
std::string chain_pictures(const Report& report);

std::string_view page_style();
std::string_view page_script();  // sorts the table, opens the domain that a link leads to

}  // namespace mtasts::check
