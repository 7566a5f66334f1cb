#include "module/helper/process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "module/helper/settings.h"
#include "module/io/child.h"
#include "module/io/stream.h"

namespace mtasts {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// What has arrived when the deadline passes is read: the longest answer takes five reads. One that goes on arriving is
// not.
constexpr int kReadsAfterEnd = 8;

tl::unexpected<Error> cannot_start(const std::string& program, int error) {
  const std::string why =
      error == ETIMEDOUT ? "it takes too long, as if its disk or this machine stood still" : std::strerror(error);
  return fail(ErrorCode::kLocalFault,
              "cannot start " + program + ": " + why + (error == ENOENT ? "; install mtasts completely" : ""));
}

milliseconds until(SteadyTime end) {
  return std::max(std::chrono::ceil<milliseconds>(end - steady_clock::now()), milliseconds(0));
}

// False: not by then, or it cannot be known (a kernel before 5.3).
bool ends_by(const Descriptor& process, SteadyTime end) {
  struct pollfd ended {
    process.get(), POLLIN, 0
  };
  for (;;) {
    const int count = ::poll(&ended, 1, static_cast<int>(until(end).count()));
    if (count >= 0 || errno != EINTR) return count > 0;
  }
}

// It forks at once, so that the helper is not our child: a host waits for its own children only. False: it had not done
// so by `end`, and was ended. One that not even SIGKILL ends in time is left to the host.
bool await(pid_t process, SteadyTime end) {
  constexpr milliseconds kGrace{200};
  const Descriptor watched(static_cast<int>(::syscall(SYS_pidfd_open, process, 0)));
  const bool in_time = !watched || ends_by(watched, end);
  if (!in_time) {
    ::kill(process, SIGKILL);
    if (!ends_by(watched, steady_clock::now() + kGrace)) return false;
  }
  wait_for_end(process);
  return in_time;
}

// What the new process has of this one: the socket as its standard input, and standard error where its log goes there.
class SpawnPlan {
 public:
  SpawnPlan(int socket, LogTarget log) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_adddup2(&actions_, socket, 0);
    ::posix_spawn_file_actions_addopen(&actions_, 1, "/dev/null", O_RDWR, 0);
    if (log == LogTarget::kSyslog) ::posix_spawn_file_actions_adddup2(&actions_, 1, 2);
    ::posix_spawnattr_init(&attributes_);
    sigset_t all;
    sigset_t none;
    ::sigfillset(&all);
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    constexpr int kFlags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID;
    ::posix_spawnattr_setflags(&attributes_, static_cast<short>(kFlags));
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  ~SpawnPlan() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  // 0 or the error.
  int spawn(const std::string& program, std::vector<std::string> arguments, std::vector<std::string> environment,
            SteadyTime end) const {
    const auto pointers = [](std::vector<std::string>& texts) {
      std::vector<char*> list;
      list.reserve(texts.size() + 1);
      for (std::string& text : texts) list.push_back(text.data());
      list.push_back(nullptr);
      return list;
    };
    pid_t process = 0;
    const int error = ::posix_spawn(&process, program.c_str(), &actions_, &attributes_, pointers(arguments).data(),
                                    pointers(environment).data());
    if (error != 0) return error;
    return await(process, end) ? 0 : ETIMEDOUT;
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

// The journal is recognised by it (module/io/log).
std::vector<std::string> environment_for(LogTarget log) {
  const char* journal = log == LogTarget::kStderr ? std::getenv("JOURNAL_STREAM") : nullptr;
  return journal == nullptr ? std::vector<std::string>{} : std::vector{"JOURNAL_STREAM=" + std::string(journal)};
}

Result<void> send_settings(int socket, const Config& config, LogTarget log) {
  if (send_frame(socket, {encode_settings(helper_settings(config, log))})) return {};
  return fail(ErrorCode::kLocalFault, std::string("the lookup helper takes no settings: ") + std::strerror(errno));
}

// Away from 0 to 2: a host may have closed those, and the new process needs them.
Descriptor above_standard(int fd) {
  Descriptor high(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
  ::close(fd);
  return high;
}

}  // namespace

Result<Descriptor> start_helper(const Config& config, LogTarget log, SteadyTime end) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return cannot_start(config.helper_program, errno);
  auto own = above_standard(ends[0]);
  auto other = above_standard(ends[1]);
  if (!own || !other) return cannot_start(config.helper_program, EMFILE);
  if (auto sent = send_settings(own.get(), config, log); !sent) return tl::unexpected(sent.error());
  const SpawnPlan plan(other.get(), log);
  if (const int error =
          plan.spawn(config.helper_program, {config.helper_program, config.user}, environment_for(log), end))
    return cannot_start(config.helper_program, error);
  return own;
}

bool send_frame(int socket, const Fields& fields) {
  const std::string frame = encode_frame(fields);
  return ::send(socket, frame.data(), frame.size(), MSG_NOSIGNAL | MSG_DONTWAIT) == static_cast<ssize_t>(frame.size());
}

Result<Fields> receive_reply(int socket, FrameReader& reader, std::string_view id, SteadyTime end) {
  std::array<char, 16 * 1024> buffer{};
  for (int late = 0;;) {
    auto frame = reader.next();
    if (!frame) return tl::unexpected(frame.error());
    if (*frame) {
      Fields& fields = **frame;
      if (fields.empty() || fields[0] != id)
        return fail(ErrorCode::kInternal, "the lookup helper answered what was not asked");
      fields.erase(fields.begin());
      return std::move(fields);
    }
    struct pollfd wait {
      socket, POLLIN, 0
    };
    const milliseconds left = until(end);
    const bool is_given_up = left.count() == 0 && ++late > kReadsAfterEnd;
    const int ready = is_given_up ? 0 : ::poll(&wait, 1, static_cast<int>(left.count()));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return fail(ErrorCode::kLocalFault, "the lookup helper did not answer within its deadline");
    const auto received = receive_some(socket, buffer);
    if (received.empty())
      return fail(ErrorCode::kLocalFault, "the lookup helper ended without an answer; its log lines say why");
    reader.add(received);
  }
}

}  // namespace mtasts
