// Which domains belong to one owner, as far as the Public Suffix List says (libpsl's copy). For limits on what one
// stranger can take up. Not for processes of mail servers: it needs libpsl, and is a library of its own
// (mtasts_public_suffix).
#pragma once

#include <string>

namespace mtasts {

// The registrable domain of a name in lower case A-labels: "example.co.uk" of "mail.example.co.uk". Only suffixes of
// registries count (the list's ICANN section): the private ones are of services where anybody gets any number of names
// for nothing. A public suffix is its own registrable domain.
std::string registrable_domain(const std::string& name);

}  // namespace mtasts
