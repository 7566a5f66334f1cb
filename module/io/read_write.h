// Files read and written to the end: a signal or a part of the bytes does not stop them. Errors are left in errno.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mtasts {

// Reads until `bytes` is full or the file ends, and cuts `bytes` to what was read.
bool read_all(int fd, std::string& bytes);
// Appends to `bytes` until the file ends or `bytes` has `limit` octets: for pipes, whose length nobody knows.
bool read_to_end(int fd, std::string& bytes, std::size_t limit);

bool write_all(int fd, std::string_view bytes);
// For a file that was opened long before: what it had stays until there is something new. It may be a device or pipe.
bool replace_content(int fd, std::string_view bytes);

}  // namespace mtasts
