// Whose a domain name is. Linked into the lookup helper alone: the public suffix list has no business in an MTA's
// process.
#pragma once

#include <string>

namespace mtasts {

// The part of the name that somebody registered, below the longest public suffix (https://publicsuffix.org, with its
// private section: names that strangers can have below one suffix are different people's): "example.co.uk" for
// "a.b.example.co.uk". The name itself where it is a public suffix. `domain`: canonical (core/domain.h).
std::string registrable_domain(const std::string& domain);

}  // namespace mtasts
