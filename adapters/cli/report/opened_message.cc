#include "adapters/cli/report/opened_message.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <thread>

namespace mtasts::report {
namespace {

constexpr std::size_t kMaxName = 8192;
constexpr int kQueue = 32768;  // bytes; the kernel doubles it

// The first byte of a message; its name follows, but behind the last one.
enum class Tag : char { kNamed = 'n', kOfFolder = 'f', kFault = '!', kEnd = '.' };

// A user may have as many descriptors under way as a process may have open (ETOOMANYREFS), in all his processes
// together: they become fewer while the other side takes them.
constexpr std::chrono::milliseconds kSoon{10};
constexpr int kTries = 200;

class Control {
 public:
  msghdr header(iovec& bytes) {
    msghdr message{};
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    message.msg_control = space_.data();
    message.msg_controllen = space_.size();
    return message;
  }

 private:
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> space_{};
};

bool send_message(const Descriptor& socket, std::string text, int descriptor) {
  text.resize(std::min(text.size(), kMaxName));
  iovec bytes{text.data(), text.size()};
  Control control;
  msghdr message = control.header(bytes);
  if (descriptor >= 0) {
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof descriptor);
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  } else {
    message.msg_control = nullptr;
    message.msg_controllen = 0;
  }
  for (int tries = 0; ::sendmsg(socket.get(), &message, MSG_NOSIGNAL) < 0;) {
    if (errno == EINTR) continue;
    if (errno != ETOOMANYREFS || ++tries == kTries) return false;
    std::this_thread::sleep_for(kSoon);
  }
  return true;
}

bool send_fault(const Descriptor& socket, const std::string& name, const std::string& reason, Refusal::Kind kind) {
  const bool is_refused = kind == Refusal::Kind::kRefused;
  return send_message(socket,
                      static_cast<char>(Tag::kFault) + std::string(is_refused ? "r" : "u") + reason + '\0' + name, -1);
}

bool send_unreadable(const Descriptor& socket, const std::string& name) {
  const std::string reason = errno == ENOENT ? "no such file" : std::string("cannot be read: ") + std::strerror(errno);
  return send_fault(socket, name, reason, Refusal::Kind::kUnreadable);
}

// False: nobody listens any more.
bool send_opened(const Descriptor& socket, Tag tag, const std::string& name, int descriptor) {
  if (send_message(socket, static_cast<char>(tag) + name, descriptor)) return true;
  const std::string reason = std::string("cannot be handed over: ") + std::strerror(errno);
  return send_fault(socket, name, reason, Refusal::Kind::kUnreadable);
}

// The names of a folder's files, sorted; nothing, and errno, if they cannot be read to the end.
std::optional<std::vector<std::string>> names_in(Descriptor folder) {
  DIR* opened = folder ? ::fdopendir(folder.get()) : nullptr;
  if (opened == nullptr) return std::nullopt;
  static_cast<void>(folder.release());  // closedir() closes it
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(opened, ::closedir);
  std::vector<std::string> names;
  for (errno = 0; const dirent* entry = ::readdir(opened); errno = 0) {
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  if (errno != 0) return std::nullopt;
  std::ranges::sort(names);
  return names;
}

// The owner of a Maildir may be somebody else: links of his are not followed, and nothing but files is opened.
constexpr int kInFolder = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;

bool send_file_of_folder(const Descriptor& socket, const Descriptor& folder, const std::string& name,
                         const std::string& path) {
  const Descriptor file(::openat(folder.get(), name.c_str(), kInFolder));
  struct stat status {};
  if (!file && errno == ENOENT) return true;  // a mail program has renamed it meanwhile
  if (!file || ::fstat(file.get(), &status) != 0) return send_unreadable(socket, path);
  if (!S_ISREG(status.st_mode)) return send_fault(socket, path, "no regular file", Refusal::Kind::kRefused);
  return send_opened(socket, Tag::kOfFolder, path, file.get());
}

bool send_maildir(const Descriptor& socket, const Descriptor& box, const std::string& path) {
  for (const char* part : {"cur", "new"}) {
    const std::string inside = path + "/" + part + "/";
    const Descriptor folder(::openat(box.get(), part, kInFolder | O_DIRECTORY));
    if (!folder && (errno == ENOENT || errno == ENOTDIR))
      return send_fault(socket, path, "a folder, but no Maildir: it has no cur and new", Refusal::Kind::kRefused);
    const auto names = folder ? names_in(Descriptor(::fcntl(folder.get(), F_DUPFD_CLOEXEC, 0))) : std::nullopt;
    if (!names) return send_unreadable(socket, inside);
    for (const std::string& name : *names) {
      if (!send_file_of_folder(socket, folder, name, inside + name)) return false;
    }
  }
  return true;
}

// A pipe is waited for when it is read, not when it is opened.
bool send_named(const Descriptor& socket, const std::string& path) {
  if (path == "-") return send_opened(socket, Tag::kNamed, path, STDIN_FILENO);
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return send_unreadable(socket, path);
  if (S_ISDIR(status.st_mode)) return send_maildir(socket, file, path);
  ::fcntl(file.get(), F_SETFL, ::fcntl(file.get(), F_GETFL) & ~O_NONBLOCK);
  return send_opened(socket, Tag::kNamed, path, file.get());
}

OpenedFile fault_of(std::string_view text) {
  const auto kind = text.starts_with('r') ? Refusal::Kind::kRefused : Refusal::Kind::kUnreadable;
  const std::size_t end = text.find('\0');
  return {std::string(text.substr(end + 1)), refuse(std::string(text.substr(1, end - 1)), kind), false};
}

}  // namespace

Read<std::pair<Descriptor, Descriptor>> make_message_pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return refuse(std::string("no file can be opened: ") + std::strerror(errno), Refusal::Kind::kUnreadable);
  ::setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &kQueue, sizeof kQueue);
  return std::pair(Descriptor(ends[0]), Descriptor(ends[1]));
}

void open_all(const std::vector<std::string>& paths, const Descriptor& socket) {
  for (const std::string& path : paths) {
    if (!send_named(socket, path)) return;
  }
  send_message(socket, std::string(1, static_cast<char>(Tag::kEnd)), -1);
}

std::optional<OpenedFile> receive_opened(const Descriptor& socket) {
  std::string text(kMaxName, '\0');
  iovec bytes{text.data(), text.size()};
  Control control;
  msghdr message = control.header(bytes);
  ssize_t got = 0;
  while ((got = ::recvmsg(socket.get(), &message, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR) {
  }
  if (got <= 0)
    return OpenedFile{"the rest of the files",
                      refuse("not looked at: the process that opens them ended early", Refusal::Kind::kUnreadable),
                      false, true};
  if (text.front() == static_cast<char>(Tag::kEnd)) return std::nullopt;
  text.resize(static_cast<std::size_t>(got));
  if (text.front() == static_cast<char>(Tag::kFault)) return fault_of(std::string_view(text).substr(1));
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  OpenedFile file{text.substr(1), refuse("too many files are open", Refusal::Kind::kUnreadable),
                  text.front() == static_cast<char>(Tag::kOfFolder)};
  if (header == nullptr) return file;
  int descriptor = -1;
  std::memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
  file.descriptor = Descriptor(descriptor);
  return file;
}

}  // namespace mtasts::report
