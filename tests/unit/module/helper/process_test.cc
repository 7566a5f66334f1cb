// What is left of its caller's rights to a lookup helper, as the kernel tells it from outside.
#include "module/helper/process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <array>
#include <csignal>
#include <functional>

#include "module/helper/session_fields.h"
#include "module/io/wall_clock.h"
#include "module/store/policy_store.h"
#include "module/store/tally.h"
#include "module/tlsrpt/socket.h"
#include "module/tlsrpt/wishes.h"
#include "tests/unit/module/fakes.h"
#include "tests/unit/module/helper/helper_process_test.h"
#include "tests/unit/sockets.h"

namespace mtasts {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

class HelperThatReports : public HelperProcessTest {
 protected:
  HelperThatReports() {
    config_.tlsrpt_socket = scratch_.path() + "/collectd.sock";
    collector_ = test::datagram_socket_at(config_.tlsrpt_socket);
    ::chmod(config_.tlsrpt_socket.c_str(), 0777);
  }
  Descriptor collector_;
  const TlsSession session_ = sts_session(*Domain::parse("example.com"), "version: STSv1\n", {"mx.example.com"});
};

// --- how it is started

// From a disk that hangs, for one.
TEST_F(HelperProcessTest, OneThatDoesNotStartInTimeIsEndedAndLeavesNoChild) {
  std::ofstream(config_.helper_program) << "#!/bin/sh\nexec sleep 20\n";
  const auto begin = std::chrono::steady_clock::now();
  const auto socket = start_helper(config_, LogTarget::kSyslog, begin + std::chrono::milliseconds(300));
  ASSERT_FALSE(socket);
  EXPECT_EQ(socket.error().code, ErrorCode::kLocalFault);
  EXPECT_THAT(socket.error().detail, testing::HasSubstr("takes too long"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a host waits for its own children";
}

// --- who it is

TEST_F(HelperProcessTest, StartedByRootItIsTheUserAloneWithoutAnyGroupOfItsCallers) {
  if (!is_root()) GTEST_SKIP() << "takes root";
  std::array<gid_t, 64> groups{};
  const int count = ::getgroups(groups.size(), groups.data());
  const std::array<gid_t, 2> more{4, 24};
  ASSERT_EQ(::setgroups(more.size(), more.data()), 0);
  RunningHelper helper(config_);
  ::setgroups(static_cast<std::size_t>(count), groups.data());
  ASSERT_TRUE(helper.ready());
  auto status = helper.status();
  EXPECT_EQ(status["Uid"], ids(nobody().pw_uid));
  EXPECT_EQ(status["Gid"], ids(nobody().pw_gid));
  EXPECT_EQ(status["Groups"], "");
}

TEST_F(HelperProcessTest, ItHasNoCapabilityAndCanGainNone) {
  RunningHelper helper(config_);
  ASSERT_TRUE(helper.ready());
  auto status = helper.status();
  constexpr const char* kNone = "0000000000000000";
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapAmb"}) EXPECT_EQ(status[set], kNone) << set;
  if (is_root()) {
    EXPECT_EQ(status["CapBnd"], kNone);
  }
  EXPECT_EQ(status["NoNewPrivs"], "1");
}

// A mail server that works as another user but could be root again, as with seteuid(2).
TEST_F(HelperProcessTest, ARealUserThatIsRootIsGivenUpToo) {
  if (is_root()) {
    ASSERT_EQ(::setresgid(0, nobody().pw_gid, 0), 0);
    ASSERT_EQ(::setresuid(0, nobody().pw_uid, 0), 0);
  }
  const uid_t user = ::geteuid();
  const gid_t group = ::getegid();
  RunningHelper helper(config_);
  if (::getuid() == 0) {
    ASSERT_EQ(::setresuid(0, 0, 0), 0);
    ASSERT_EQ(::setresgid(0, 0, 0), 0);
  }
  ASSERT_TRUE(helper.ready());
  auto status = helper.status();
  EXPECT_EQ(status["Uid"], ids(user));
  EXPECT_EQ(status["Gid"], ids(group));
  EXPECT_EQ(status["CapPrm"], "0000000000000000");
}

// mtastsd and table-mtasts run as the user already; other processes of that user must not read its memory either.
TEST_F(HelperProcessTest, StartedByAnybodyItsMemoryIsRootsToReadOnly) {
  const bool root = is_root();
  if (root) {
    ASSERT_EQ(::setresuid(nobody().pw_uid, nobody().pw_uid, 0), 0);
  }
  RunningHelper helper(config_);
  if (root) {
    ASSERT_EQ(::setresuid(0, 0, 0), 0);
  }
  ASSERT_TRUE(helper.ready());
  struct stat status {};
  ASSERT_EQ(::stat(helper.proc("mem").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 0U);
}

// --- what its caller leaves to it

TEST_F(HelperProcessTest, ItHasNoEnvironmentAndNoDescriptorOfItsCallers) {
  const std::string secret = scratch_.path() + "/secret";
  std::ofstream(secret) << "of the mail server";
  const Descriptor open(::open(secret.c_str(), O_RDONLY));  // NOLINT(android-cloexec-open): the point
  ::setenv("MTASTS_TEST_SECRET", "1", 1);
  RunningHelper helper(config_);
  ::unsetenv("MTASTS_TEST_SECRET");
  ASSERT_TRUE(helper.ready());
  EXPECT_EQ(text_of(helper.proc("environ")), "");
  for (const auto& fd : fs::directory_iterator(helper.proc("fd"))) EXPECT_NE(fs::read_symlink(fd), secret);
}

// What a mail server has there may be a connection to a client.
TEST_F(HelperProcessTest, ItHasStandardErrorOfItsCallersOnlyWhereTheLogGoesThere) {
  const std::string file = scratch_.path() + "/stderr";
  const Descriptor before(::dup(STDERR_FILENO));
  ::dup2(Descriptor(::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)).get(), STDERR_FILENO);
  RunningHelper to_syslog(config_, LogTarget::kSyslog);
  RunningHelper to_stderr(config_, LogTarget::kStderr);
  ::dup2(before.get(), STDERR_FILENO);
  ASSERT_TRUE(to_syslog.ready());
  ASSERT_TRUE(to_stderr.ready());
  EXPECT_EQ(fs::read_symlink(to_syslog.proc("fd/2")), "/dev/null");
  EXPECT_EQ(fs::read_symlink(to_stderr.proc("fd/2")), file);
}

TEST_F(HelperProcessTest, ItHasItsOwnUmaskDirectoryAndSession) {
  const mode_t before = ::umask(0077);
  const fs::path directory = fs::current_path();
  fs::current_path(scratch_.path());
  RunningHelper helper(config_);
  fs::current_path(directory);
  ::umask(before);
  ASSERT_TRUE(helper.ready());
  EXPECT_EQ(helper.status()["Umask"], "0022");
  EXPECT_EQ(fs::read_symlink(helper.proc("cwd")), "/");
  std::istringstream stat(text_of(helper.proc("stat")));  // number, name, state, parent, group, session
  std::string word;
  for (int i = 0; i < 6; ++i) stat >> word;
  EXPECT_NE(word, std::to_string(::getsid(0)));
}

TEST_F(HelperProcessTest, ItTakesNoSignalDispositionOfItsCallersButIgnoresSigpipe) {
  const auto before = std::signal(SIGALRM, SIG_IGN);
  sigset_t blocked;
  sigset_t old;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGALRM);
  ::sigaddset(&blocked, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &blocked, &old);
  RunningHelper helper(config_);
  ::sigprocmask(SIG_SETMASK, &old, nullptr);
  std::signal(SIGALRM, before);
  ASSERT_TRUE(helper.ready());
  auto status = helper.status();
  const auto set = [&](const char* name) { return std::stoul(status[name], nullptr, 16); };
  constexpr unsigned long kOfTheCLibrary = 3UL << 31U;  // 32 and 33, which it sets itself when it needs them
  constexpr unsigned long kSigpipe = 1UL << (SIGPIPE - 1U);
  EXPECT_EQ(set("SigIgn") & ~kOfTheCLibrary, kSigpipe);
  EXPECT_EQ(set("SigBlk") & ~kSigpipe, 0U);  // getdns' calls need it blocked
}

TEST_F(HelperProcessTest, ItsResourcesAreBounded) {
  struct rlimit before {};
  ::getrlimit(RLIMIT_CORE, &before);
  const struct rlimit all { before.rlim_max, before.rlim_max };
  ::setrlimit(RLIMIT_CORE, &all);
  RunningHelper helper(config_);
  ::setrlimit(RLIMIT_CORE, &before);
  ASSERT_TRUE(helper.ready());
  EXPECT_EQ(helper.limit("Max core file size"), "0 0");
  EXPECT_EQ(helper.limit("Max processes"), "0 0");
  const std::string files = helper.limit("Max open files");
  EXPECT_LE(std::stol(files.substr(files.find(' '))), 4096);
#if !defined(__SANITIZE_ADDRESS__)
  EXPECT_EQ(helper.limit("Max address space"), "4294967296 4294967296");
#endif
}

// One clock for three helpers: it is half a minute.
TEST_F(HelperProcessTest, AnAlarmEndsAHelperThatStandsStillAndNoOther) {
  RunningHelper idle(config_);
  ASSERT_TRUE(idle.ready());
  RunningHelper stalled(config_);
  ASSERT_TRUE(stalled.ready());
  stalled.send("stall");
  use_engines(MTASTS_TEST_HANGING_ENGINE_DIR);
  RunningHelper hanging(config_);
  const auto hung = hanging.end_within(seconds(40));
  const auto ended = stalled.end_within(seconds(10));
  ASSERT_TRUE(hung && ended);
  EXPECT_EQ(WTERMSIG(*hung), SIGALRM);
  EXPECT_EQ(WTERMSIG(*ended), SIGALRM);
  EXPECT_FALSE(idle.end_within(seconds(2)));
}

// Nobody waits for it, and it ends as soon as the domain is cached, not when the longest lookup would.
TEST_F(HelperProcessTest, WhoseCallerHasGoneItFinishesWhatItHasBegunAndEnds) {
  use_engines(MTASTS_TEST_SCRIPTED_ENGINE_DIR);
  RunningHelper helper(config_);
  ASSERT_TRUE(helper.ready());
  helper.send(lookup_request("1", *Domain::parse("late.test"), Lookup::Effort::kNormal, seconds(20)));
  helper.hang_up();
  EXPECT_FALSE(helper.end_within(seconds(0))) << "the lookup takes a second";
  EXPECT_EQ(helper.end_within(seconds(20)), 0);
  FakeLog log;
  EXPECT_TRUE(FileStore(config_.cache_directory, log).get(*Domain::parse("late.test")).value());
}

// What the collector has no room for then is lost.
TEST_F(HelperThatReports, WhoseCallerHasGoneItDoesNotWaitForACollectorThatHangs) {
  while (send_to_collector(config_.tlsrpt_socket, "full") == 0) {
  }
  ReportWishes(config_.cache_directory)
      .put(session_.domain, {"v=TLSRPTv1; rua=mailto:r@example.com", now() + seconds(300)});
  RunningHelper helper(config_);
  ASSERT_TRUE(helper.ready());
  helper.send(encode_session(session_, {"1", kReportRequest}));
  helper.hang_up();
  EXPECT_EQ(helper.end_within(seconds(8)), 0);
  EXPECT_EQ(text_of(config_.cache_directory + "/.due-tlsrpt-slow"), "x") << "it has warned of it";
}

// Who hands sessions over does not wait until it is ready.
TEST_F(HelperThatReports, OneThatCannotWorkSaysHowManySessionsAreLost) {
  config_.engine_directory = make_directory("none", 0755);
  const std::string file = scratch_.path() + "/stderr";
  const Descriptor before(::dup(STDERR_FILENO));
  ::dup2(Descriptor(::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)).get(), STDERR_FILENO);
  RunningHelper helper(config_, LogTarget::kStderr);
  ::dup2(before.get(), STDERR_FILENO);
  for (const char* kind : {kReportRequest, kLearnRequest, kUnlistedRequest})
    helper.send(encode_session(session_, {"1", kind}));
  EXPECT_FALSE(helper.ready());
  helper.hang_up();
  EXPECT_EQ(helper.end_within(seconds(10)), 0);
  EXPECT_THAT(text_of(file), testing::AllOf(testing::HasSubstr("event=tlsrpt-lost"), testing::HasSubstr("engine"),
                                            testing::HasSubstr(" sessions=1 ")));
  EXPECT_EQ(SharedTally(config_.cache_directory).take("tlsrpt-helper"), 1U) << "the other one, within the hour";
}

// --- a call that does nothing and says that it succeeded, or is refused: as under a filter of a container

struct Refusal {
  int call;
  int error;
  int first_argument = -1;  // -1: any
};

// Runs `body` in a process under the filter, with all that it starts; true when `body` returned true.
bool holds_under(const std::vector<Refusal>& refusals, const std::function<bool()>& body) {
  const pid_t process = ::fork();
  if (process == 0) {
    std::vector<sock_filter> program;
    for (const auto& [call, error, first] : refusals) {
      const auto skip = static_cast<std::uint8_t>(first < 0 ? 1 : 3);
      program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
      program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, skip));
      if (first >= 0) {
        program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args)));
        program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(first), 0, 1));
      }
      program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error)));
    }
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    ::_exit(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0 && body() ? 0 : 1);
  }
  int status = 0;
  ::waitpid(process, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// True when the helper does not start and says why.
bool refuses_with(const Config& config, const std::string& why) {
  RunningHelper helper(config);
  const auto ready = helper.ready();
  if (!ready && ready.error().code == ErrorCode::kLocalFault && ready.error().detail.find(why) != std::string::npos)
    return true;
  std::fprintf(stderr, "%s\n", ready ? "it started" : ready.error().detail.c_str());
  return false;
}

TEST_F(HelperProcessTest, ItIsNeverRoot) {
  if (!is_root()) GTEST_SKIP() << "takes root";
  config_.user = "root";
  EXPECT_TRUE(refuses_with(config_, "lookups are never done as root"));
}

TEST_F(HelperProcessTest, ItDoesNotStartWhereRootsRightsCouldBeHadAgain) {
  if (!is_root()) GTEST_SKIP() << "takes root";
  for (const int call : {SYS_setresuid, SYS_setresgid}) {
    EXPECT_TRUE(holds_under({{call, 0}}, [this] { return refuses_with(config_, "root's rights can be had again"); }))
        << call;
  }
}

TEST_F(HelperProcessTest, ItDoesNotStartWhereItCannotGiveUpItsGroupsOrCapabilities) {
  EXPECT_TRUE(holds_under({{SYS_capset, EPERM}}, [this] { return refuses_with(config_, "cannot become user"); }));
  if (!is_root()) GTEST_SKIP() << "the rest takes root";
  EXPECT_TRUE(holds_under({{SYS_setgroups, EPERM}}, [this] { return refuses_with(config_, "cannot become user"); }));
}

TEST_F(HelperProcessTest, ItWorksOnAKernelWithoutLandlockAndFilters) {
  for (const int error : {ENOSYS, EOPNOTSUPP, EPERM}) {
    EXPECT_TRUE(holds_under({{SYS_landlock_create_ruleset, error}, {SYS_prctl, EINVAL, PR_SET_SECCOMP}}, [this] {
      RunningHelper helper(config_);
      return helper.ready() && helper.attempt("read /etc/passwd") == 0 && helper.attempt("unix-stream") == 0;
    })) << error;
  }
}

// Asked for where no filter keeps the helper from telling.
TEST_F(HelperProcessTest, Uid0WouldBeAUserAsAnyOther) {
  constexpr int kBits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                        SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
  EXPECT_TRUE(holds_under({{SYS_prctl, EINVAL, PR_SET_SECCOMP}}, [this] {
    RunningHelper helper(config_);
    return helper.ready() && (!is_root() || helper.attempt("secure-bits") == kBits);
  }));
}

TEST_F(HelperProcessTest, ItDoesNotStartWhereTheKernelRefusesWhatItHas) {
  EXPECT_TRUE(holds_under({{SYS_landlock_restrict_self, E2BIG}}, [this] {
    return landlock_version() < 0 || refuses_with(config_, "Landlock cannot be applied");
  }));
  EXPECT_TRUE(holds_under({{SYS_landlock_add_rule, EINVAL}}, [this] {
    return landlock_version() < 0 || refuses_with(config_, "Landlock cannot be applied");
  }));
  EXPECT_TRUE(holds_under({{SYS_prctl, EACCES, PR_SET_SECCOMP}},
                          [this] { return refuses_with(config_, "system calls cannot be restricted"); }));
}

// --- what the rules were made for is replaced

TEST_F(HelperProcessTest, ItGivesWayToAnotherWhenTheStoreIsMadeNew) {
  RunningHelper helper(config_);
  ASSERT_TRUE(helper.ready());
  fs::rename(config_.cache_directory, scratch_.path() + "/old");
  make_directory("store", 0777);
  EXPECT_EQ(helper.end_within(seconds(10)), 0);
}

TEST_F(HelperProcessTest, ItGivesWayToAnotherWhenTheAuthoritiesAreElsewhere) {
  const std::string link = make_directory("named", 0755) + "/ca.pem";
  fs::create_symlink(config_.network.fetch.ca_file, link);
  config_.network.fetch.ca_file = link;
  RunningHelper helper(config_);
  ASSERT_TRUE(helper.ready());
  EXPECT_EQ(helper.attempt("read " + link), 0);
  const std::string other = make_directory("other", 0755) + "/ca.pem";
  std::ofstream(other) << "-----BEGIN CERTIFICATE-----\n";
  fs::remove(link);
  fs::create_symlink(other, link);
  EXPECT_EQ(helper.end_within(seconds(10)), 0);
}

TEST_F(HelperProcessTest, ItReadsAuthoritiesThatWereRenewedInTheirPlace) {
  RunningHelper helper(config_);
  ASSERT_TRUE(helper.ready());
  std::ofstream(config_.network.fetch.ca_file + ".new") << "-----BEGIN CERTIFICATE-----\n";
  fs::rename(config_.network.fetch.ca_file + ".new", config_.network.fetch.ca_file);
  EXPECT_EQ(helper.attempt("read " + config_.network.fetch.ca_file), 0);
  EXPECT_FALSE(helper.end_within(seconds(6)));
}

}  // namespace
}  // namespace mtasts
