// Debian's exim4.conf.template as text: the files of conf.d one after the other, each with a head of three lines.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace mtasts::setup {

// `block` before the head of the section, such as "router/200_exim4-config_primary"; nothing when it is not there.
std::optional<std::string> insert_before_section(const std::string& text, const std::string& section,
                                                 const std::string& block);

// Options of a transport that stand outside of .ifdef, but for those that Debian's own has.
std::vector<std::string> own_options(const std::string& text, const std::string& transport);

}  // namespace mtasts::setup
