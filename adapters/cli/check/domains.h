// The domains that somebody wants checked: arguments and lists.
#pragma once

#include <istream>
#include <string>
#include <string_view>
#include <vector>

#include "core/domain.h"
#include "core/result.h"

namespace mtasts::check {

inline constexpr std::size_t kMaxListedDomains = 1'000'000;

// Error kInvalidName: it is no domain that can have a policy; the sentence says what was probably meant, for URLs,
// mail addresses, IP addresses and the names of the record.
Result<Domain> domain_argument(std::string_view text);

// One domain a line; blank lines and what follows a '#' are left out. Error kInvalidName or kConfig: a sentence that
// begins with `name` and the line.
Result<std::vector<Domain>> read_domains(std::istream& list, const std::string& name);

// The list in a file, "-" for `input`.
Result<std::vector<Domain>> read_domains_file(const std::string& path, std::istream& input);

}  // namespace mtasts::check
