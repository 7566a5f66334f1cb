// A lookup by the helper program against the lab's real resolver and policy hosts.
#include "module/helper/call.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <iostream>
#include <limits>
#include <thread>

#include "module/client.h"
#include "module/io/wall_clock.h"
#include "module/store/policy_store.h"
#include "tests/unit/dns/scripted_server.h"
#include "tests/unit/module/fakes.h"
#include "tests/unit/module/helper/copied_engines.h"
#include "tests/unit/module/lab_config.h"
#include "tests/unit/module/scratch.h"
#include "tests/unit/secret_resolv_conf.h"

namespace mtasts {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using ::testing::HasSubstr;

class HelperCallTest : public ::testing::Test {
 protected:
  HelperCallTest() {
    ::chmod(scratch_.path().c_str(), 0777);  // the helper may be another user
    use_engines(MTASTS_TEST_ENGINE_DIR);
  }
  void use_engines(const std::string& directory) {
    config_.engine_directory = engines_.path();
    test::copy_engines(directory, config_.engine_directory);
  }
  Result<Outcome> ask(const std::string& name, milliseconds deadline = seconds(20)) {
    return lookup_in_helper(config_, *Domain::parse(name), Lookup::Effort::kNormal, deadline);
  }
  std::optional<CacheEntry> cached(const std::string& name) {
    return FileStore(scratch_.path(), log_).get(*Domain::parse(name)).value();
  }
  // Waits for what a helper does after its caller has gone; the bound is only there to end a broken run.
  template <typename Condition>
  static bool eventually(Condition condition, int tries = 600) {
    for (int i = 0; i < tries; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(milliseconds(50));
    }
    return false;
  }

  Scratch scratch_;
  Scratch engines_;
  FakeLog log_;
  Config config_ = lab_config(scratch_.path());
};

TEST_F(HelperCallTest, BringsThePolicyAndCachesIt) {
  const auto outcome = ask("good.test");
  ASSERT_TRUE(outcome) << outcome.error().detail;
  const StoredPolicy* policy = outcome->entry.policy_in_force(now());
  ASSERT_NE(policy, nullptr) << outcome->entry.record.detail;
  EXPECT_EQ(policy->policy.mode, Mode::kEnforce);
  EXPECT_FALSE(outcome->from_cache);
  const auto entry = cached("good.test");
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->policy, outcome->entry.policy);
}

TEST_F(HelperCallTest, HasNoDeadlineThatOverflows) {
  config_.network.dns.resolvers = {test::lab("DEAD_RESOLVER")};
  config_.network.dns.timeout = seconds(2);
  const auto outcome = ask("good.test", milliseconds(std::numeric_limits<unsigned>::max()));
  ASSERT_TRUE(outcome) << outcome.error().detail;
  EXPECT_EQ(outcome->entry.record.state, RecordMemory::State::kFailed);
}

// The helper confines itself to what the libraries need, which is not the same for both.
TEST_F(HelperCallTest, BringsThePolicyWithGnuTlsToo) {
  config_.tls = TlsLibrary::kGnuTls;
  const auto outcome = ask("good.test");
  ASSERT_TRUE(outcome) << outcome.error().detail;
  EXPECT_NE(outcome->entry.policy_in_force(now()), nullptr) << outcome->entry.record.detail;
  EXPECT_TRUE(cached("good.test"));
}

TEST_F(HelperCallTest, WritesAsTheUnprivilegedUser) {
  ASSERT_TRUE(ask("good.test"));
  ASSERT_TRUE(cached("good.test"));
  const uid_t expected = ::geteuid() == 0 ? ::getpwnam("nobody")->pw_uid : ::geteuid();
  int entries = 0;
  for (const auto& item : fs::recursive_directory_iterator(scratch_.path())) {
    struct stat status {};
    ASSERT_EQ(::stat(item.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, expected) << item.path();
    entries += item.path().filename() == "good.test" ? 1 : 0;
  }
  EXPECT_EQ(entries, 1);
}

TEST_F(HelperCallTest, LeavesNoZombieAndNoSignalDisposition) {
  const auto mine = [](int) {};
  const auto before = std::signal(SIGPIPE, mine);
  ASSERT_TRUE(ask("good.test"));
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
  EXPECT_EQ(std::signal(SIGPIPE, before), static_cast<void (*)(int)>(mine));
}

TEST_F(HelperCallTest, WorksUnderAHostThatIgnoresItsChildren) {
  const auto before = std::signal(SIGCHLD, SIG_IGN);
  EXPECT_TRUE(ask("good.test"));
  std::signal(SIGCHLD, before);
}

TEST_F(HelperCallTest, WorksUnderAHostWithClosedStandardDescriptors) {
  std::array<int, 3> saved{};
  for (int fd = 0; fd < 3; ++fd) saved[static_cast<std::size_t>(fd)] = ::fcntl(fd, F_DUPFD_CLOEXEC, 100);
  for (int fd = 0; fd < 3; ++fd) ::close(fd);
  const auto outcome = ask("good.test");
  for (int fd = 0; fd < 3; ++fd) {
    ::dup2(saved[static_cast<std::size_t>(fd)], fd);
    ::close(saved[static_cast<std::size_t>(fd)]);
  }
  EXPECT_TRUE(outcome) << outcome.error().detail;
}

// A lookup that outlives its caller's deadline: the caller is answered in time, the child ends by itself and what it
// found is cached; meanwhile it holds no descriptor of the host.
TEST_F(HelperCallTest, AnswersAtTheDeadlineAndFinishesInTheBackground) {
  config_.network.fetch.timeout = seconds(6);
  std::array<int, 2> host_pipe{};
  ASSERT_EQ(::pipe(host_pipe.data()), 0);
  const auto start = steady_clock::now();
  const auto outcome = ask("slow.test", milliseconds(1500));
  EXPECT_LT(steady_clock::now() - start, seconds(5));
  ASSERT_TRUE(outcome) << outcome.error().detail;
  EXPECT_EQ(outcome->progress, Outcome::Progress::kFetchPending);

  ::close(host_pipe[1]);
  struct pollfd wait {
    host_pipe[0], POLLIN, 0
  };
  EXPECT_EQ(::poll(&wait, 1, 1000), 1) << "the helper has kept the host's descriptor";
  ::close(host_pipe[0]);

  ASSERT_TRUE(eventually([this] {
    const auto entry = cached("slow.test");
    return entry && entry->failure;
  }));
  EXPECT_EQ(cached("slow.test")->failure->error.code, ErrorCode::kPolicyFetch);
}

TEST_F(HelperCallTest, R20AResolverThatNeverAnswersIsAFailedQuestion) {
  config_.network.dns.resolvers = {test::lab("DEAD_RESOLVER")};
  config_.network.dns.timeout = seconds(1);
  const auto outcome = ask("good.test");
  ASSERT_TRUE(outcome) << outcome.error().detail;
  EXPECT_EQ(outcome->entry.record.state, RecordMemory::State::kFailed);
}

// The warning comes once a minute for all processes: an administrator who looks must not take it from the mail log.
TEST_F(HelperCallTest, APersonsLookupLeavesTheWarningToMailServers) {
  config_.network.dns.resolvers = {test::lab("DEAD_RESOLVER")};
  config_.network.dns.timeout = seconds(1);
  const auto warned = [this] { return fs::exists(scratch_.path() + "/.due-dns-failure"); };
  config_.is_for_person = true;
  ASSERT_TRUE(ask("good.test"));
  EXPECT_FALSE(eventually(warned, 10));
  config_.is_for_person = false;
  ASSERT_TRUE(ask("plain.test"));
  EXPECT_TRUE(eventually(warned));
}

TEST_F(HelperCallTest, APersonsLookupLeavesWhatIsSaidOfAdToMailServers) {
  const test::ScriptedServer server([](const test::Query& query) { return test::Message{.flags = 0x81a0}.to(query); });
  config_.network.dns.resolvers = {server.address()};
  config_.network.dns.trust_ad = ResolverConfig::TrustAd::kAlways;
  const auto told = [this] { return fs::exists(scratch_.path() + "/.due-ad-counts"); };
  config_.is_for_person = true;
  ASSERT_TRUE(ask("good.test"));
  EXPECT_FALSE(eventually(told, 10));
  config_.is_for_person = false;
  ASSERT_TRUE(ask("plain.test"));
  EXPECT_TRUE(eventually(told));
}

TEST_F(HelperCallTest, AMissingEngineLibraryIsALocalFault) {
  config_.engine_directory = "/nonexistent";
  const auto outcome = ask("good.test");
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::kLocalFault);
  EXPECT_THAT(outcome.error().detail, HasSubstr("cannot load /nonexistent/engine-"));
}

TEST_F(HelperCallTest, AnEngineThatCrashesIsALocalFault) {
  use_engines(MTASTS_TEST_CRASHING_ENGINE_DIR);
  const auto outcome = ask("good.test");
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::kLocalFault);
  EXPECT_THAT(outcome.error().detail, HasSubstr("ended without an answer"));
}

TEST_F(HelperCallTest, AnEngineOfAnotherVersionIsALocalFault) {
  use_engines(MTASTS_TEST_FOREIGN_ENGINE_DIR);
  const auto outcome = ask("good.test");
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().detail, HasSubstr("is not an engine library of mtasts"));
}

TEST_F(HelperCallTest, AHelperThatHangsIsGivenUp) {
  use_engines(MTASTS_TEST_HANGING_ENGINE_DIR);
  config_.network.fetch.timeout = seconds(1);
  config_.network.dns.timeout = seconds(1);
  const auto start = steady_clock::now();
  const auto outcome = ask("good.test", milliseconds(200));
  EXPECT_LT(steady_clock::now() - start, seconds(5));
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().detail, HasSubstr("did not answer within its deadline"));
}

TEST_F(HelperCallTest, RootNeedsAUserToBecome) {
  config_.user = "no-such-user";
  const auto outcome = ask("good.test");
  if (::geteuid() == 0) {
    ASSERT_FALSE(outcome);
    EXPECT_THAT(outcome.error().detail, HasSubstr("create the system user 'no-such-user' or set engine.user"));
  } else {
    EXPECT_TRUE(outcome) << "nobody but root changes";
  }
}

TEST_F(HelperCallTest, AStoreThatCannotBeWrittenChangesNoAnswer) {
  config_.cache_directory = "/proc/none";
  const auto outcome = ask("good.test");
  ASSERT_TRUE(outcome) << outcome.error().detail;
  EXPECT_NE(outcome->entry.policy_in_force(now()), nullptr);
}

// What the caller can read, the child's user perhaps cannot; mail must not go out unprotected for it.
TEST_F(HelperCallTest, ACaFileThatTheHelpersUserCannotReadIsALocalFault) {
  const std::string copy = scratch_.path() + "/ca.pem";
  fs::copy_file(config_.network.fetch.ca_file, copy);
  ::chmod(copy.c_str(), ::geteuid() == 0 ? 0600 : 0);
  config_.network.fetch.ca_file = copy;
  const auto outcome = ask("good.test");
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::kLocalFault);
  EXPECT_THAT(outcome.error().detail, HasSubstr("/ca.pem"));
}

// Root delivers, and mail must not go out unprotected for it.
TEST_F(HelperCallTest, R20AResolvConfThatTheHelpersUserCannotReadIsALocalFault) {
  if (::geteuid() != 0) GTEST_SKIP() << "takes root";
  config_.network.dns.resolvers.clear();
  const pid_t process = ::fork();
  if (process == 0) {
    if (!test::enter_secret_resolv_conf(scratch_.path() + "/resolv.conf")) ::_exit(2);
    const auto outcome = ask("good.test");
    if (!outcome) std::cerr << outcome.error().detail << "\n";
    const bool is_right = !outcome && outcome.error().code == ErrorCode::kLocalFault &&
                          outcome.error().detail.find("/etc/resolv.conf cannot be read by uid ") != std::string::npos;
    ::_exit(is_right ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(process, &status, 0), process);
  EXPECT_EQ(status, 0);
  EXPECT_FALSE(cached("good.test")) << "nothing was found out";
}

// As on a kernel before 5.9, or in a container whose filter does not know the system call.
TEST_F(HelperCallTest, WorksWhereCloseRangeIsRefused) {
  const pid_t process = ::fork();
  if (process == 0) {
    std::array<sock_filter, 4> refuse{{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                                       BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_close_range, 0, 1),
                                       BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
                                       BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}};
    const sock_fprog program{refuse.size(), refuse.data()};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
      ::_exit(2);
    ::_exit(ask("good.test") ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(process, &status, 0), process);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace mtasts
