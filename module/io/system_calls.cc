#include "module/io/system_calls.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace mtasts {

#if defined(__x86_64__) || defined(__aarch64__)
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#else
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#endif

constexpr std::uint32_t kAllow = SECCOMP_RET_ALLOW;
constexpr std::uint32_t refusal(int error) { return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error); }

// Without conditions on their arguments. Newer calls have the same number everywhere.
constexpr int kFchmodat2 = 452;  // Linux 6.6
constexpr auto kAllowed = std::to_array<int>({
  // descriptors
  SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_pwrite64, SYS_lseek, SYS_close, SYS_fcntl, SYS_dup,
      SYS_dup3, SYS_pipe2, SYS_eventfd2, SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_epoll_pwait2, SYS_ppoll,
      SYS_pselect6, SYS_timerfd_create, SYS_timerfd_settime, SYS_timerfd_gettime,
      // files, where Landlock and the user's rights let it
      SYS_openat, SYS_openat2, SYS_fstat, SYS_newfstatat, SYS_statx, SYS_statfs, SYS_fstatfs, SYS_faccessat,
      SYS_faccessat2, SYS_readlinkat, SYS_getcwd, SYS_getdents64, SYS_mkdirat, SYS_renameat, SYS_renameat2,
      SYS_unlinkat, SYS_ftruncate, SYS_fsync, SYS_fdatasync, SYS_fchmod, SYS_fchmodat, kFchmodat2, SYS_utimensat,
      // the network
      SYS_socketpair, SYS_connect, SYS_getsockname, SYS_getpeername, SYS_getsockopt, SYS_setsockopt, SYS_sendto,
      SYS_sendmsg, SYS_sendmmsg, SYS_recvfrom, SYS_recvmsg, SYS_recvmmsg, SYS_shutdown,
      // memory and threads
      SYS_brk, SYS_munmap, SYS_mremap, SYS_madvise, SYS_mincore, SYS_futex, SYS_rseq, SYS_set_robust_list,
      SYS_get_robust_list, SYS_membarrier, SYS_sched_yield, SYS_sched_getaffinity, SYS_exit, SYS_exit_group,
      // signals to itself and time
      SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_rt_sigpending, SYS_rt_sigtimedwait, SYS_sigaltstack,
      SYS_restart_syscall, SYS_setitimer, SYS_clock_gettime, SYS_clock_getres, SYS_clock_nanosleep, SYS_nanosleep,
      SYS_gettimeofday, SYS_times,
      // what it is and where
      SYS_getpid, SYS_gettid, SYS_getppid, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_getresuid,
      SYS_getresgid, SYS_getrusage, SYS_uname, SYS_sysinfo, SYS_getrandom,
#if defined(__x86_64__)
      // the first forms of calls above
      SYS_open, SYS_stat, SYS_lstat, SYS_access, SYS_readlink, SYS_poll, SYS_select, SYS_epoll_create, SYS_epoll_wait,
      SYS_pipe, SYS_dup2, SYS_eventfd, SYS_alarm, SYS_pause, SYS_time, SYS_getrlimit,
#endif
});

// Of the low half of an argument: those that are looked at are int or small flags.
struct Condition {
  unsigned argument;
  std::uint32_t mask;
  std::uint32_t value;
};

constexpr std::uint32_t kWhole = 0xffffffff;

class Filter {
 public:
  Filter() {
    load(offsetof(seccomp_data, arch));
    jump_unless(kArchitecture, 2);
    load(offsetof(seccomp_data, nr));
#if defined(__x86_64__)
    // The x32 calls have other numbers.
    constexpr std::uint32_t kX32 = 0x40000000;
    program_.push_back(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, kX32, 0, 1));
#else
    program_.push_back(BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0));
#endif
    decide(refusal(ENOSYS));
  }

  // For a call that meets all conditions; otherwise the next rule counts.
  void rule(int call, std::initializer_list<Condition> conditions, std::uint32_t decision) {
    const std::size_t checks = 3 * conditions.size();
    jump_unless(static_cast<std::uint32_t>(call), checks + (checks > 0 ? 2 : 1));
    std::size_t left = checks;
    for (const auto& [argument, mask, value] : conditions) {
      left -= 3;
      load(offsetof(seccomp_data, args) + argument * sizeof(std::uint64_t));
      program_.push_back(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask));
      jump_unless(value, left + 1);
    }
    decide(decision);
    if (checks > 0) load(offsetof(seccomp_data, nr));
  }

  void decide(std::uint32_t decision) { program_.push_back(BPF_STMT(BPF_RET | BPF_K, decision)); }

  // 0 or the error.
  int apply() {
    const sock_fprog program{static_cast<unsigned short>(program_.size()), program_.data()};
    return ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 ? 0 : errno;
  }

 private:
  void load(std::size_t offset) {
    program_.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)));
  }
  void jump_unless(std::uint32_t value, std::size_t distance) {
    program_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, static_cast<std::uint8_t>(distance)));
  }

  std::vector<sock_filter> program_;
};

// TCP and UDP and nothing beside them: Landlock's rules for ports know only TCP, and MPTCP and SCTP would go past them.
// Datagrams are how syslog is reached; what else listens on this machine's own sockets (D-Bus, a container's manager,
// databases) takes streams.
void add_sockets(Filter& filter) {
  constexpr std::uint32_t kKind = 0xf;  // without SOCK_CLOEXEC and SOCK_NONBLOCK
  constexpr std::array<std::pair<std::uint32_t, std::uint32_t>, 4> kOfTheNetwork{
      {{SOCK_STREAM, IPPROTO_IP}, {SOCK_STREAM, IPPROTO_TCP}, {SOCK_DGRAM, IPPROTO_IP}, {SOCK_DGRAM, IPPROTO_UDP}}};
  for (const std::uint32_t family : {AF_INET, AF_INET6})
    for (const auto& [kind, protocol] : kOfTheNetwork)
      filter.rule(SYS_socket, {{0, kWhole, family}, {1, kKind, kind}, {2, kWhole, protocol}}, kAllow);
  filter.rule(SYS_socket, {{0, kWhole, AF_UNIX}, {1, kKind, SOCK_DGRAM}}, kAllow);
  filter.rule(SYS_socket, {}, refusal(EAFNOSUPPORT));
}

// What is written is never run.
void add_memory(Filter& filter) {
  for (const int call : {SYS_mmap, SYS_mprotect}) {
    filter.rule(call, {{2, PROT_EXEC, 0}}, kAllow);
    filter.rule(call, {}, refusal(EACCES));
  }
}

void add_processes(Filter& filter) {
  // Threads only: libcurl asks for a proxy's name in one. glibc takes clone(2) where clone3(2) is missing.
  filter.rule(SYS_clone, {{0, CLONE_THREAD | CLONE_NEWUSER, CLONE_THREAD}}, kAllow);
  filter.rule(SYS_tgkill, {{0, kWhole, static_cast<std::uint32_t>(::getpid())}}, kAllow);  // abort(3)
  filter.rule(SYS_prlimit64, {{0, kWhole, 0}}, kAllow);
}

}  // namespace

Result<Protection> restrict_system_calls() {
  // The kernel's own answer to "are there filters?" (seccomp(2)): it looks for the program only where there are.
  if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, nullptr) != 0 && errno == EINVAL) return Protection::kNotInKernel;
  Filter filter;
  for (const int call : kAllowed) filter.rule(call, {}, kAllow);
  add_sockets(filter);
  add_memory(filter);
  add_processes(filter);
  for (const unsigned long request : {FIONBIO, FIONREAD})
    filter.rule(SYS_ioctl, {{1, kWhole, static_cast<std::uint32_t>(request)}}, kAllow);
  filter.rule(SYS_ioctl, {}, refusal(ENOTTY));
  filter.decide(refusal(ENOSYS));
  const int error = filter.apply();
  if (error == 0) return Protection::kInForce;
  return fail(ErrorCode::kLocalFault, std::string("system calls cannot be restricted: ") + std::strerror(error));
}
#else
Result<Protection> restrict_system_calls() { return Protection::kNotInKernel; }
#endif

}  // namespace mtasts
