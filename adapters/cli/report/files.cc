#include "adapters/cli/report/files.h"

#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "adapters/cli/report/opened_message.h"

namespace mtasts::report {

FileOpener::FileOpener(Descriptor socket, pid_t child) : socket_(std::move(socket)), child_(child) {}

FileOpener::FileOpener(FileOpener&& other) noexcept
    : socket_(std::move(other.socket_)), child_(std::exchange(other.child_, -1)) {}

FileOpener::~FileOpener() {
  socket_ = Descriptor();  // ends a child that still sends
  while (child_ > 0 && ::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
  }
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

Read<std::string> read_all(const Descriptor& file, std::size_t limit) {
  std::string bytes;
  std::array<char, 65536> buffer;
  while (bytes.size() <= limit) {
    const auto got = ::read(file.get(), buffer.data(), std::min(buffer.size(), limit + 1 - bytes.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return refuse(std::string("cannot be read: ") + std::strerror(errno), Refusal::Kind::kUnreadable);
    if (got == 0) break;
    bytes.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return bytes;
}

}  // namespace mtasts::report
