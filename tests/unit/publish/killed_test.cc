// A run that is killed after any of its system calls leaves the old or the new policy, whole, and the next run goes on.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <set>

#include "tests/unit/publish/runs.h"

namespace mtasts::publish {
namespace {

using testing::AnyOf;
using testing::Eq;
namespace fs = std::filesystem;

bool changes_something(const __ptrace_syscall_info& info) {
  switch (info.entry.nr) {
    case SYS_write:
    case SYS_mkdirat:
    case SYS_renameat:
    case SYS_renameat2:
    case SYS_unlinkat:
    case SYS_fchmod:
    case SYS_fchmodat:
    case SYS_fsync:
    case SYS_ftruncate:
#ifdef SYS_rename
    case SYS_mkdir:
    case SYS_rename:
    case SYS_unlink:
    case SYS_rmdir:
    case SYS_chmod:
#endif
      return true;
    case SYS_openat:
      return (info.entry.args[2] & (O_CREAT | O_TRUNC)) != 0;
    default:
      return false;
  }
}

// The work in a process of its own, stopped before and after each of its system calls.
class Traced {
 public:
  explicit Traced(const std::function<void()>& work) : child_(::fork()) {
    if (child_ == 0) {
      ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
      ::raise(SIGSTOP);
      work();
      ::_exit(0);
    }
    ::waitpid(child_, &status_, 0);
    ::ptrace(PTRACE_SETOPTIONS, child_, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
  }
  // nullopt: the work has ended.
  std::optional<__ptrace_syscall_info> next() {
    ::ptrace(PTRACE_SYSCALL, child_, nullptr, nullptr);
    ::waitpid(child_, &status_, 0);
    if (!WIFSTOPPED(status_)) return std::nullopt;
    __ptrace_syscall_info info{};
    ::ptrace(PTRACE_GET_SYSCALL_INFO, child_, sizeof info, &info);
    return info;
  }
  void kill() {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, &status_, 0);
  }

 private:
  pid_t child_;
  int status_ = 0;
};

// False: the work ended before its `number`th such call.
bool is_killed_after(unsigned number, const std::function<void()>& work) {
  Traced traced(work);
  bool is_change = false;
  for (unsigned seen = 0; seen < number;) {
    const auto info = traced.next();
    if (!info) return false;
    if (info->op == PTRACE_SYSCALL_INFO_ENTRY) is_change = changes_something(*info);
    if (info->op == PTRACE_SYSCALL_INFO_EXIT && is_change) ++seen;
  }
  traced.kill();
  return true;
}

#ifndef __SANITIZE_ADDRESS__  // with it not every system call looks as its arguments do
// What a power cut could take away: written files and changed directories that were not brought to the disk.
struct Durability {
  unsigned renames = 0;
  unsigned renames_of_unsynced = 0;
  std::set<std::uint64_t> unsynced{};  // descriptors

  void see(const __ptrace_syscall_info& call) {
    const std::uint64_t fd = call.entry.args[0];
    switch (call.entry.nr) {
      case SYS_write:
        unsynced.insert(fd);
        break;
      case SYS_fsync:
        unsynced.erase(fd);
        break;
      case SYS_renameat:
      case SYS_renameat2:
        ++renames;
        renames_of_unsynced += unsynced.empty() ? 0 : 1;
        unsynced.insert(fd);
        break;
      default:
        break;
    }
  }
};

Durability traced_durability(const std::function<void()>& work) {
  Durability seen;
  Traced traced(work);
  while (const auto info = traced.next())
    if (info->op == PTRACE_SYSCALL_INFO_ENTRY) seen.see(*info);
  return seen;
}
#endif

class KilledRun : public PublishRun {
 protected:
  // Kills the run after each call in turn, always from the same beginning, and looks at what is left.
  void kill_everywhere(const std::function<void()>& look) {
    const std::string base = scratch_.path() + "/base";
    copy(base);
    unsigned kills = 0;
    while (is_killed_after(kills + 1, [this] { run_apply(); })) {
      ++kills;
      look();
      if (HasFailure()) FAIL() << "killed after call " << kills;
      restore(base);
    }
    EXPECT_GT(kills, 10U);
  }

 private:
  void copy(const std::string& base) {
    fs::create_directories(base);
    for (const char* name : {"www", "state", "out"}) {
      const std::string from = scratch_.path() + "/" + name;
      if (fs::exists(from)) fs::copy(from, base + "/" + name, fs::copy_options::recursive);
    }
  }
  void restore(const std::string& base) {
    for (const char* name : {"www", "state", "out"}) {
      fs::remove_all(scratch_.path() + "/" + name);
      if (fs::exists(base + "/" + name))
        fs::copy(base + "/" + name, scratch_.path() + "/" + name, fs::copy_options::recursive);
    }
  }
};

std::size_t files_below(const std::string& folder) {
  std::size_t count = 0;
  if (!fs::exists(folder)) return 0;
  for (const auto& item : fs::recursive_directory_iterator(folder)) count += item.is_regular_file() ? 1 : 0;
  return count;
}

#ifndef __SANITIZE_ADDRESS__
TEST_F(PublishRun, StateAndPolicyAreOnTheDiskBeforeTheyTakeTheirPlace) {
  options_.out.clear();  // what is there is written anew by any run
  const Durability seen = traced_durability([this] { run_apply(); });
  EXPECT_EQ(seen.renames, 2U);
  EXPECT_EQ(seen.renames_of_unsynced, 0U);
  EXPECT_THAT(seen.unsynced, testing::IsEmpty()) << "the directories, too";
}
#endif

TEST_F(KilledRun, FirstPublication) {
  kill_everywhere([this] {
    const auto file = internet_.read(internet_.file("example.com"));
    if (file) {
      EXPECT_TRUE(parse_policy(*file)) << *file;
    }
    EXPECT_EQ(run_apply(), kDone) << err_.str();
    EXPECT_EQ(internet_.read(internet_.file("example.com")), state_of("example.com").body);
    EXPECT_EQ(files_below(root_), 1U) << "nothing half-written stays";
  });
}

TEST_F(KilledRun, Promotion) {
  publish_all();
  const auto before = internet_.read(internet_.file("example.com"));
  const std::optional<std::string> after =
      "version: STSv1\r\nmode: enforce\r\nmx: mx1.example.com\r\nmax_age: 604800\r\n";
  now_ += std::chrono::days(14);
  options_.promote = "example.com";
  kill_everywhere([&] {
    const auto served = internet_.read(internet_.file("example.com"));
    EXPECT_THAT(served, AnyOf(Eq(before), Eq(after)));
    if (served == after) {
      EXPECT_EQ(state_of("example.com").body, after) << "nothing is served that the state does not know";
    }
    options_.promote.clear();
    EXPECT_EQ(run_apply(), kDone) << err_.str();
    EXPECT_EQ(internet_.read(internet_.file("example.com")), state_of("example.com").body);
    const bool is_promoted = state_of("example.com").stage == Stage::kEnforceShort;
    options_.promote = "example.com";
    EXPECT_EQ(run_apply(), is_promoted ? kRefused : kDone) << err_.str();
    EXPECT_EQ(internet_.read(internet_.file("example.com")), after);
    EXPECT_EQ(files_below(root_), 1U);
  });
}

TEST_F(KilledRun, RemovalOfTheFile) {
  publish_all();
  options_.leave = "example.com";
  options_.force = true;
  ASSERT_EQ(run_apply(), kDone);
  const auto none = internet_.read(internet_.file("example.com"));
  ASSERT_EQ(run_apply(), kDone) << err_.str();
  internet_["example.com"].txt.clear();
  internet_["example.com"].tlsrpt.clear();
  kill_everywhere([&] {
    EXPECT_THAT(internet_.read(internet_.file("example.com")), AnyOf(Eq(none), Eq(std::nullopt)));
    EXPECT_EQ(run_apply(), kDone) << err_.str();
    EXPECT_EQ(state_of("example.com").stage, Stage::kGone);
    EXPECT_EQ(files_below(root_), 0U);
  });
}

}  // namespace
}  // namespace mtasts::publish
