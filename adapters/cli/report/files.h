// The files that were named, opened with the rights of whoever named them, while this process, which reads them, has
// given up its own: a child process opens one after the other and hands the descriptors over.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "adapters/cli/report/refusal.h"
#include "module/io/descriptor.h"

namespace mtasts::report {

struct OpenedFile {
  std::string name;
  Read<Descriptor> descriptor;
  bool is_of_folder = false;  // found in a Maildir, not named itself
  bool is_last = false;       // stands for all that would have followed
};

class FileOpener {
 public:
  // Begins to open `paths`: files, pipes, Maildirs (all in cur and new, in the order of their names), "-" for standard
  // input. kUnreadable: the process or its socket could not be made. Call it before giving up rights.
  static Read<FileOpener> start(const std::vector<std::string>& paths);
  ~FileOpener();
  FileOpener(FileOpener&& other) noexcept;
  FileOpener& operator=(FileOpener&&) = delete;
  FileOpener(const FileOpener&) = delete;
  FileOpener& operator=(const FileOpener&) = delete;

  // The next file; nothing after the last.
  std::optional<OpenedFile> next();

 private:
  FileOpener(Descriptor socket, pid_t child);

  Descriptor socket_;
  pid_t child_;
  bool ended_ = false;
};

// All of the file, at most `limit` bytes and one more, by which a larger one is known.
Read<std::string> content_of(const Descriptor& file, std::size_t limit);

}  // namespace mtasts::report
