#include "adapters/cli/report/files.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "adapters/cli/report/opened_message.h"
#include "module/io/child.h"
#include "module/io/read_write.h"

namespace mtasts::report {

FileOpener::FileOpener(Descriptor socket, pid_t child) : socket_(std::move(socket)), child_(child) {}

FileOpener::FileOpener(FileOpener&& other) noexcept
    : socket_(std::move(other.socket_)), child_(std::exchange(other.child_, -1)) {}

FileOpener::~FileOpener() {
  socket_ = Descriptor();  // ends a child that still sends
  if (child_ > 0) wait_for_end(child_);
}

Read<FileOpener> FileOpener::start(const std::vector<std::string>& paths) {
  auto pair = make_message_pair();
  if (!pair) return tl::unexpected(pair.error());
  auto& [ours, theirs] = *pair;
  const pid_t child = ::fork();
  if (child < 0) return refuse(std::strerror(errno), Refusal::Kind::kUnreadable);
  if (child == 0) {
    ours = Descriptor();
    open_all(paths, theirs);
    ::_exit(0);
  }
  return FileOpener(std::move(ours), child);
}

std::optional<OpenedFile> FileOpener::next() {
  if (ended_) return std::nullopt;
  auto file = receive_opened(socket_);
  ended_ = !file || file->is_last;
  return file;
}

Read<std::string> content_of(const Descriptor& file, std::size_t limit) {
  std::string bytes;
  if (read_to_end(file.get(), bytes, limit + 1)) return bytes;
  return refuse(std::string("cannot be read: ") + std::strerror(errno), Refusal::Kind::kUnreadable);
}

}  // namespace mtasts::report
