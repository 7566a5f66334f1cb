// Which MX hosts may be named to smtpd, and in which order.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "core/ports.h"

namespace mtasts {

// Hosts tried for one domain. Who has more is served by the preferred ones.
inline constexpr std::size_t kMaxCandidates = 10;

// The hosts of `records` that one of `patterns` matches (R24; without patterns: all), lower case, the most preferred
// first, those of one preference in random order (RFC 5321 §5.1). No records: the domain itself, as where there is no
// MX. Empty: none is permitted, or the domain takes no mail (RFC 7505).
std::vector<std::string> candidates(const std::string& domain, std::vector<MxRecord> records,
                                    const std::vector<std::string>& patterns, std::mt19937& random);

}  // namespace mtasts
