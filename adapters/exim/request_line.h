// The requests of Exim's ${readsocket}: one line each, words with one space between them. A word is bare, or stands in
// double quotes as Exim's ${quote:...} writes it, so that no byte of a peer can end the word or the line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace mtasts {

// Octets of a line with its end. The longest that the example configurations send is the event of a certificate with
// 8 KiB of names, every byte of which may need a backslash.
inline constexpr std::size_t kMaxRequestLine = 32'768;
inline constexpr std::size_t kMaxRequestWords = 8;

// The words of a line, without its end. Error kConfig: a byte, quote or backslash out of place, or more than
// kMaxRequestWords words.
//   bare word    letters, digits, ".", "-", "_", ":"; at least one
//   quoted word  any bytes but NUL and line ends; \n, \r, \" and \\ stand for a line feed, a carriage return, " and \.
Result<std::vector<std::string>> parse_request_line(std::string_view line);

}  // namespace mtasts
