// Lines of ours in a file of the administrator's: a block between two marks, and lines of his that are set aside as
// comments. Both can be found and taken back whatever else was edited since.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mtasts::setup {

// The block with its marks, each line ended by LF. `comment` begins a comment of the file: "#" or "dnl".
std::string marked_block(std::string_view comment, std::string_view host, std::string_view lines);

// A line, without its end, as a comment that unmarked() makes a line again.
std::string set_aside(std::string_view line);

// The text without blocks of ours, and with the lines that were set aside.
std::string unmarked(std::string_view text);

// The blocks, marks included, in their order.
std::vector<std::string> blocks(std::string_view text);

// A text cut into lines; each keeps its line end, the last may have none.
std::vector<std::string> lines_of(std::string_view text);

// A line without white space and line end on either side.
std::string_view trimmed(std::string_view line);

}  // namespace mtasts::setup
