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
#include <map>
#include <set>

#include "tests/unit/publish/runs.h"

namespace mtasts::publish {
namespace {

using testing::AnyOf;
using testing::Eq;
using testing::HasSubstr;
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

using Files = std::map<std::string, std::string>;  // contents by name

class KilledRun : public PublishRun {
 protected:
  // Kills the run after each call in turn, always from the same beginning, and looks at what is left.
  void kill_everywhere(const std::function<void()>& look) {
    const std::string base = scratch_.path() + "/base";
    copy(base);
    const Files before = outputs();
    run_apply();
    finished_ = outputs();
    restore(base);
    unsigned kills = 0;
    while (is_killed_after(kills + 1, [this] { run_apply(); })) {
      ++kills;
      expect_whole_outputs(before);
      look();
      if (HasFailure()) FAIL() << "killed after call " << kills;
      restore(base);
    }
    EXPECT_GT(kills, 10U);
  }
  // Of --out, as a run at the same time has them that nobody kills; nothing half-written stays.
  void expect_finished_outputs() {
    ASSERT_FALSE(finished_.empty());
    EXPECT_EQ(outputs(), finished_);
  }

 private:
  Files outputs() {
    Files files;
    if (!fs::exists(options_.out)) return files;
    for (const auto& item : fs::recursive_directory_iterator(options_.out))
      if (item.is_regular_file()) files[fs::relative(item.path(), options_.out)] = *internet_.read(item.path());
    return files;
  }
  // Nobody includes or runs what has no name of its own yet.
  void expect_whole_outputs(const Files& before) {
    for (const auto& [name, text] : outputs()) {
      if (name.ends_with(".mtasts-new")) continue;
      const bool is_old = before.contains(name) && before.at(name) == text;
      EXPECT_TRUE(is_old || (finished_.contains(name) && finished_.at(name) == text)) << name << ": " << text;
    }
  }
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

  Files finished_;
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
    expect_finished_outputs();
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
    expect_finished_outputs();
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
    expect_finished_outputs();
  });
}

// One that enforces for thirty days, and its list then asks for another MX host.
class KilledMxChange : public KilledRun {
 protected:
  void SetUp() override {
    reach_the_aim();
    before_ = internet_.read(internet_.file("example.com"));
    ASSERT_THAT(before_.value_or(""), HasSubstr("mode: enforce\r\nmx: mx1.example.com\r\nmax_age: 2592000"));
    std::string list = list_;
    write_list(list.replace(list.find("mx1."), 4, "new."));
  }

  const std::optional<std::string> after_ =
      "version: STSv1\r\nmode: enforce\r\nmx: new.example.com\r\nmx: mx1.example.com\r\nmax_age: 2592000\r\n";
  std::optional<std::string> before_;

 private:
  void reach_the_aim() {
    publish_all();
    for (const int days : {14, 7}) {
      now_ += std::chrono::days(days);
      options_.promote = "example.com";
      ASSERT_EQ(run_apply(), kDone) << err_.str();
      options_.promote.clear();
      publish_all();
    }
  }
};

TEST_F(KilledMxChange, LeavesTheOldPolicyOrTheOneWithBoth) {
  kill_everywhere([&] {
    EXPECT_THAT(internet_.read(internet_.file("example.com")), AnyOf(Eq(before_), Eq(after_)));
    EXPECT_EQ(run_apply(), kDone) << err_.str();
    EXPECT_EQ(internet_.read(internet_.file("example.com")), after_);
    EXPECT_EQ(state_of("example.com").keep_until, now_ + std::chrono::days(30));
    EXPECT_EQ(files_below(root_), 1U);
    expect_finished_outputs();
  });
}

TEST_F(KilledMxChange, TheTimeCountsFromTheRunThatFinishesIt) {
  const WallTime changed_at = now_;
  kill_everywhere([&] {
    const bool is_old_served = internet_.read(internet_.file("example.com")) == before_;
    now_ = changed_at + std::chrono::days(10);
    EXPECT_EQ(run_apply(), kDone) << err_.str();
    const auto keep_until = state_of("example.com").keep_until;
    EXPECT_GE(keep_until, (is_old_served ? now_ : changed_at) + std::chrono::days(30));
    now_ = *keep_until - std::chrono::seconds(1);
    internet_["example.com"].mx = {"new.example.com"};
    EXPECT_EQ(run_apply(), kDone) << err_.str();
    EXPECT_EQ(internet_.read(internet_.file("example.com")), after_) << "a sender may hold the old policy";
    internet_["example.com"].mx = {"mx1.example.com"};
    now_ = changed_at;
  });
}

TEST_F(KilledRun, ListOfDomains) {
  publish_all();
  const std::vector<std::string> names{"example.com", "example.net", "example.org"};
  for (const auto* name : {"example.net", "example.org"})
    list_ += "[[domain]]\nname = \"" + std::string(name) + "\"\nmx = [\"mx1.example.com\"]\n";
  list_ += "aliases = [\"example.info\"]\n";
  write_list(list_);
  now_ += std::chrono::days(14);
  kill_everywhere([&] {
    for (const auto& name : names) {
      const auto file = internet_.read(internet_.file(name));
      if (file) {
        EXPECT_TRUE(parse_policy(*file)) << name << ": " << *file;
        EXPECT_EQ(file, state_of(name).body) << "nothing is served that the state does not know";
      }
    }
    EXPECT_TRUE(internet_.read(internet_.file("example.com"))) << "it was published before";
    EXPECT_EQ(run_apply(), kDone) << err_.str();
    for (const auto& name : names) EXPECT_EQ(internet_.read(internet_.file(name)), state_of(name).body) << name;
    EXPECT_EQ(files_below(root_), names.size());
    expect_finished_outputs();
  });
}

TEST_F(KilledRun, Adoption) {
  const std::optional<std::string> theirs = "version: STSv1\nmode: enforce\nmx: mx1.example.com\nmax_age: 2592000\n";
  fs::create_directories(fs::path(internet_.file("example.com")).parent_path());
  std::ofstream(internet_.file("example.com")) << *theirs;
  internet_["example.com"].txt = {"v=STSv1; id=theirs;"};
  options_.adopt = true;
  kill_everywhere([&] {
    const auto served = internet_.read(internet_.file("example.com"));
    EXPECT_THAT(*served, HasSubstr("mode: enforce")) << "it is never weakened";
    options_.adopt = false;
    const bool is_adopted = fs::exists(options_.state + "/state");
    if (!is_adopted) {
      EXPECT_EQ(served, theirs);
    }
    EXPECT_EQ(run_apply(), is_adopted ? kDone : kRefused) << err_.str();
    options_.adopt = true;
    EXPECT_EQ(run_apply(), kDone) << err_.str();
    EXPECT_EQ(state_of("example.com").stage, Stage::kEnforce);
    EXPECT_EQ(internet_.read(internet_.file("example.com")), state_of("example.com").body);
    EXPECT_EQ(files_below(root_), 1U);
    expect_finished_outputs();
  });
}

// An alias gets its policy host and its record in two steps, and keeps its name while senders may ask for it.
class KilledAlias : public KilledRun {
 protected:
  void SetUp() override {
    publish_all();
    before_ = internet_.read(internet_.file("example.com"));
    internet_["example.net"].addresses.clear();
    write_list(list_ + "aliases = [\"example.net\"]\n");
  }
  void delegate() {
    Seen& alias = internet_["example.net"];
    alias.addresses = {"192.0.2.1"};
    alias.host_alias = "mta-sts.example.com";
  }
  void kill_and_finish() {
    kill_everywhere([&] {
      EXPECT_EQ(internet_.read(internet_.file("example.com")), before_);
      EXPECT_EQ(run_apply(), kDone) << err_.str();
      EXPECT_EQ(state_of("example.com").aliases, std::vector{domain("example.net")});
      EXPECT_EQ(internet_.read(internet_.file("example.com")), before_);
      EXPECT_EQ(files_below(root_), 1U);
      expect_finished_outputs();
    });
  }

  std::optional<std::string> before_;
};

TEST_F(KilledAlias, IsAdded) { kill_and_finish(); }

TEST_F(KilledAlias, GetsItsRecord) {
  ASSERT_EQ(run_apply(), kDone) << err_.str();
  delegate();
  kill_and_finish();
  ASSERT_EQ(run_apply(), kDone);
  EXPECT_THAT(script("example.net"), HasSubstr("update add _mta-sts.example.net. 3600 CNAME"));
}

TEST_F(KilledAlias, IsTakenOutOfTheList) {
  ASSERT_EQ(run_apply(), kDone) << err_.str();
  write_list(list_);
  fs::remove_all(options_.out);
  kill_and_finish();
  ASSERT_EQ(run_apply(), kDone);
  EXPECT_THAT(internet_.read(options_.out + "/nginx.conf").value(), HasSubstr("mta-sts.example.net;"));
}

}  // namespace
}  // namespace mtasts::publish
