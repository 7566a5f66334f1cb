#include "module/child.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <limits>

#include "module/answer.h"
#include "module/client.h"
#include "module/dns_warning.h"
#include "module/engine.h"
#include "module/engine_library.h"
#include "module/policy_store.h"

namespace mtasts {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kPipe = 3;  // the child's end, once everything else is closed
constexpr milliseconds kGrace{1000};
constexpr std::size_t kMostSeconds = 3600;

std::string system_error() { return std::strerror(errno); }

// close_range(2) is missing before Linux 5.9 and under some containers' filters.
void close_from(int first) {
  if (::close_range(static_cast<unsigned>(first), std::numeric_limits<unsigned>::max(), 0) == 0) return;
  constexpr long kMost = 65'536;
  const long limit = ::sysconf(_SC_OPEN_MAX);
  for (long fd = first; fd < (limit > 0 ? std::min(limit, kMost) : kMost); ++fd) ::close(static_cast<int>(fd));
}

// The host's descriptors (spool files, sockets, locks) and signal handlers must not live on in us.
bool leave_the_host(int pipe) {
  ::closelog();  // before its descriptor is closed under it
  const int high = ::fcntl(pipe, F_DUPFD, 16);
  const int nothing = ::open("/dev/null", O_RDWR);
  if (high < 0 || nothing < 0) return false;
  for (const int fd : {0, 1, 2}) {
    if (::dup2(nothing, fd) < 0) return false;
  }
  if (::dup2(high, kPipe) < 0) return false;
  close_from(kPipe + 1);
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::setsid();
  ::umask(022);
  ::prctl(PR_SET_NAME, "mtasts-lookup");
  const struct rlimit no_core { 0, 0 };
  ::setrlimit(RLIMIT_CORE, &no_core);
  return ::chdir("/") == 0;
}

void send_answer(const Result<Outcome>& answer) {
  const std::string bytes = encode_answer(answer);
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const auto put = ::write(kPipe, bytes.data() + sent, bytes.size() - sent);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) break;  // the caller is gone; what was found out is still worth remembering
    sent += static_cast<std::size_t>(put);
  }
  ::close(kPipe);
}

// The store of a caller who was never root and may only read it, such as an MTA's own user: nothing to warn about,
// others keep it.
class ReadOnlyStore final : public PolicyStore {
 public:
  explicit ReadOnlyStore(PolicyStore& store) : store_(store) {}
  std::optional<CacheEntry> get(const Domain& domain) override { return store_.get(domain); }
  Result<void> put(const CacheEntry& /*entry*/) override { return {}; }
  // Others would wait for what is not going to be saved.
  std::unique_ptr<Claim> claim(const Domain& /*domain*/, Turn /*turn*/) override { return std::make_unique<Claim>(); }

 private:
  PolicyStore& store_;
};

void run_lookup(const Config& config, const Domain& domain, Lookup::Effort effort, milliseconds deadline) {
  const auto log = make_syslog_log();
  log->set_threshold(config.log_level);
  const bool may_write = ::geteuid() == 0 || ::access(config.cache_directory.c_str(), W_OK) == 0 || errno != EACCES;
  if (const auto changed = become_user(config.user); !changed) return send_answer(tl::unexpected(changed.error()));
  const auto network = open_network(config);
  if (!network) return send_answer(tl::unexpected(network.error()));
  FileStore store(config.cache_directory, *log);
  ReadOnlyStore reader(store);
  PolicyStore& memory = may_write ? static_cast<PolicyStore&>(store) : reader;
  EventLoop& loop = (*network)->loop();
  Engine engine(loop, (*network)->resolver(), (*network)->fetcher(), memory, *log, config.lookup, now);
  engine.on_idle([&loop] { loop.stop(); });
  engine.lookup(domain, effort, deadline, [&](const Outcome& outcome) {
    send_answer(outcome);
    warn_of_dns_failure(store, *log, outcome);
  });
  loop.run();
}

// Everything that a lookup can legally take, and some more: a child that is still there then is stuck.
unsigned life_span(const Config& config, milliseconds deadline) {
  const auto dns = 4 * 2 * config.network.dns.timeout;
  const auto total =
      std::chrono::ceil<std::chrono::seconds>(deadline) + config.network.fetch.timeout + dns + std::chrono::seconds(10);
  return static_cast<unsigned>(std::min<std::size_t>(static_cast<std::size_t>(total.count()), kMostSeconds));
}

[[noreturn]] void be_the_child(int pipe, const Config& config, const Domain& domain, Lookup::Effort effort,
                               milliseconds deadline) noexcept {
  if (!leave_the_host(pipe)) ::_exit(1);
  ::alarm(life_span(config, deadline));
  run_lookup(config, domain, effort, deadline);
  ::_exit(0);  // no destructor, no atexit handler of the host
}

// The lookup runs in a grandchild, so that the host is never its parent: nothing to wait for later, no zombie, no
// surprise in the host's own wait().
bool fork_twice(int pipe, const Config& config, const Domain& domain, Lookup::Effort effort, milliseconds deadline) {
  const pid_t child = ::fork();
  if (child < 0) return false;
  if (child == 0) {
    const pid_t grandchild = ::fork();
    if (grandchild != 0) ::_exit(grandchild < 0 ? 1 : 0);
    be_the_child(pipe, config, domain, effort, deadline);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return true;  // ECHILD: the host ignores SIGCHLD; the pipe will tell
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// Reads until the child closes its end, too much has come, or `end` has passed.
Result<std::string> read_answer(int fd, steady_clock::time_point end) {
  std::string bytes;
  std::array<char, 16 * 1024> buffer{};
  while (bytes.size() <= kMaxAnswerBytes) {
    const auto left = std::chrono::ceil<milliseconds>(end - steady_clock::now());
    struct pollfd wait {
      fd, POLLIN, 0
    };
    const int ready = ::poll(&wait, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return fail(ErrorCode::kLocalFault, "the lookup child did not answer within its deadline");
    const auto got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    bytes.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return bytes;
}

}  // namespace

Result<void> become_user(const std::string& user) {
  if (::geteuid() != 0) return {};
  errno = 0;
  const struct passwd* entry = ::getpwnam(user.c_str());
  if (entry == nullptr || entry->pw_uid == 0) {
    return fail(ErrorCode::kLocalFault, "lookups are never done as root: create the system user '" + user +
                                            "' or set engine.user in mtasts.toml");
  }
  const uid_t uid = entry->pw_uid;
  const gid_t gid = entry->pw_gid;
  if (::setgroups(0, nullptr) != 0 || ::setgid(gid) != 0 || ::setuid(uid) != 0 || ::setuid(0) == 0) {
    return fail(ErrorCode::kLocalFault, "cannot become user " + user + ": " + system_error());
  }
  return {};
}

Result<Outcome> lookup_in_child(const Config& config, const Domain& domain, Lookup::Effort effort,
                                milliseconds deadline) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    return fail(ErrorCode::kLocalFault, "cannot make a pipe: " + system_error());
  const auto end = steady_clock::now() + deadline + kGrace;
  const bool forked = fork_twice(ends[1], config, domain, effort, deadline);
  const std::string why = system_error();
  ::close(ends[1]);
  auto bytes = forked ? read_answer(ends[0], end)
                      : fail(ErrorCode::kLocalFault, "cannot start a process for the lookup: " + why);
  ::close(ends[0]);
  if (!bytes) return tl::unexpected(bytes.error());
  return parse_answer(*bytes, domain);
}

}  // namespace mtasts
