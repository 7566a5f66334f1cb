// What the process that opens files tells the one that reads them: one datagram a file, with the descriptor.
#pragma once

#include <utility>

#include "adapters/cli/report/files.h"

namespace mtasts::report {

// A pair of connected sockets that few messages wait in: each of them holds an open file.
Read<std::pair<Descriptor, Descriptor>> make_message_pair();

// Opens `paths` as FileOpener::start says, and says that it has come to their end; ends early when nobody listens any
// more.
void open_all(const std::vector<std::string>& paths, const Descriptor& socket);

// Nothing when the other side has come to its end. Where it has ended before, a file that says so, `is_last`.
std::optional<OpenedFile> receive_opened(const Descriptor& socket);

}  // namespace mtasts::report
