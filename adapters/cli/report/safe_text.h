// What strangers wrote, made harmless for where it is shown.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mtasts::report {

enum class Charset { kAscii, kUtf8 };

// What the terminal's locale says it takes.
Charset charset_of_locale();

// For a terminal: letters and signs of which each is one column wide, or two (East Asian ones), written from left to
// right; "?" for everything else, as control characters, and for whatever `charset` has not. Cut at `width` columns,
// with
// "..." in place of the end.
std::string for_terminal(std::string_view text, std::size_t width, Charset charset);

// In columns, of what for_terminal() gave.
std::size_t columns(std::string_view text);

// For HTML, in text and in quoted attributes: markup is escaped; control characters, also those that change the
// direction of writing, and what is not UTF-8 become U+FFFD.
std::string for_html(std::string_view text);

}  // namespace mtasts::report
