#include "adapters/cli/other_user.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>

#include "core/time.h"
#include "module/io/child.h"
#include "module/io/descriptor.h"
#include "module/io/read_write.h"

namespace mtasts::cli {
namespace {

using std::chrono::milliseconds;

constexpr char kLooked = '.';  // comes first; a process that dies before has found nothing out
constexpr char kEnd = '.';     // and last
constexpr std::chrono::seconds kTimeout{60};
constexpr std::size_t kMaxBytes = 16 * 1024 * 1024;

tl::unexpected<Error> not_seen(const std::string& why) { return fail(ErrorCode::kLocalFault, why); }

[[noreturn]] void look_and_end(int fd, const std::string& user, const Environment& environment,
                               const std::function<std::string(const Result<void>&)>& look) {
  try {
    static_cast<void>(write_all(fd, kLooked + look(environment.become_user(user)) + kEnd));
  } catch (...) {
    ::_exit(1);
  }
  ::_exit(0);
}

// As much as comes within the time: what lies there may be a file that never ends, and other processes of that user can
// stop this one.
std::string read_within(int fd, std::chrono::seconds timeout) {
  const SteadyTime end = std::chrono::steady_clock::now() + timeout;
  std::array<char, 65'536> bytes{};
  std::string reply;
  while (reply.size() < kMaxBytes) {
    const auto left = std::chrono::ceil<milliseconds>(end - std::chrono::steady_clock::now());
    pollfd waiting{fd, POLLIN, 0};
    if (left <= milliseconds(0) || ::poll(&waiting, 1, static_cast<int>(left.count())) <= 0) break;
    const auto got = ::read(fd, bytes.data(), bytes.size());
    if (got <= 0) break;
    reply.append(bytes.data(), static_cast<std::size_t>(got));
  }
  return reply;
}

}  // namespace

Result<std::string> seen_by(const std::string& user, const Environment& environment,
                            const std::function<std::string(const Result<void>& became)>& look) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0)
    return not_seen(std::string("there is no pipe to a process of that user: ") + std::strerror(errno));
  const Descriptor read_end(ends[0]);
  Descriptor write_end(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return not_seen(std::string("a process of that user cannot be started: ") + std::strerror(errno));
  if (child == 0) look_and_end(write_end.get(), user, environment, look);
  write_end = Descriptor();
  const std::string reply = read_within(read_end.get(), kTimeout);
  ::kill(child, SIGKILL);
  wait_for_end(child);
  if (reply.size() < 2 || reply.front() != kLooked || reply.back() != kEnd)
    return not_seen("the process of that user ended before it had looked, or took too long");
  return reply.substr(1, reply.size() - 2);
}

}  // namespace mtasts::cli
