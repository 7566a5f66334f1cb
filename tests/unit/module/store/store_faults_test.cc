// Rights, descriptors and disks that fail: what is stored stays, and the log says so.
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <optional>

#include "tests/unit/module/faults.h"
#include "tests/unit/module/file_size_limit.h"
#include "tests/unit/module/store/store_test.h"
#include "tests/unit/no_more_descriptors.h"

namespace mtasts {
namespace {

namespace fs = std::filesystem;
using test::domain;
using test::with_policy;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using StoreFaultsTest = test::StoreTest;

// With as few descriptors as are open.
TEST_F(StoreFaultsTest, WhatCannotBeReadForWantOfADescriptorIsNoAbsence) {
  ASSERT_TRUE(store_.put(with_policy()));
  const pid_t child = ::fork();
  if (child == 0) {
    const int next = ::dup(0);
    ::close(next);
    const rlimit none{static_cast<rlim_t>(next), static_cast<rlim_t>(next)};
    static_cast<Log&>(log_).write(LogLevel::kDebug,
                                  "");  // the sanitizers look at its type now, for which they need descriptors
    ::setrlimit(RLIMIT_NOFILE, &none);
    const auto cached = store_.get(domain());
    ::_exit(!cached && cached.error().code == ErrorCode::kLocalFault &&
                    cached.error().detail.find("Too many open files") != std::string::npos
                ? 0
                : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

// Whom this machine mails is closed to its local users; that is no absence, and they are told who may look.
class ClosedStoreTest : public test::StoreTest {
 protected:
  ~ClosedStoreTest() override { ::chmod(scratch_.path().c_str(), 0700); }
  // Is another user refused, and told `what`?
  bool tells_others(const std::string& what) {
    const bool is_root = ::geteuid() == 0;
    ::chmod(scratch_.path().c_str(), is_root ? 0750 : 0);
    const pid_t child = ::fork();
    if (child == 0) {
      constexpr uid_t kNobody = 65'534;
      const bool ready = !is_root || (::setgid(kNobody) == 0 && ::setgroups(0, nullptr) == 0 && ::setuid(kNobody) == 0);
      const auto cached = store_.use(domain());
      const auto list = store_.for_each([](const CacheEntry&, WallTime) {});
      const auto told = [&](const std::string& text) { return text.find(what) != std::string::npos; };
      const bool refused = !cached && cached.error().code == ErrorCode::kLocalFault && told(cached.error().detail);
      ::_exit(ready && refused && !list && told(list.error().detail) ? 0 : 1);
    }
    int status = -1;
    return ::waitpid(child, &status, 0) == child && status == 0;
  }
};

TEST_F(ClosedStoreTest, WhoMayNotReadTheStoreIsToldWhoMay) {
  ASSERT_TRUE(store_.put(with_policy()));
  const std::string user = ::getpwuid(::geteuid())->pw_name;
  const std::string group = ::getgrgid(::getegid())->gr_name;
  EXPECT_TRUE(tells_others("Permission denied; run this program as root, as the user " + user + " or in the group " +
                           group + ", who may read the store"));
}

// As for the lookup helper, which cannot look names up.
TEST_F(ClosedStoreTest, NumbersAreNotTakenForNames) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  constexpr uid_t kWithoutName = 3'999'999'999;
  ASSERT_TRUE(store_.put(with_policy()));
  ASSERT_EQ(::chown(scratch_.path().c_str(), kWithoutName, kWithoutName), 0);
  EXPECT_TRUE(tells_others("run this program as root, as its owner or in its group, who may read the store (see ls"));
}

TEST_F(StoreFaultsTest, WhatCannotBeReadIsNotReplacedAndWarnedAboutOnceAMinute) {
  ASSERT_TRUE(store_.put(with_policy()));
  const fs::path shard = fs::path(file()).parent_path();
  fs::remove_all(shard);
  std::ofstream(shard) << "no folder";
  for (int i = 0; i < 2; ++i) {
    const auto put = store_.put(with_policy());
    ASSERT_FALSE(put);
    EXPECT_EQ(put.error().code, ErrorCode::kLocalFault);
  }
  EXPECT_TRUE(fs::is_regular_file(shard));
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("event=store-entry-unreadable domain=example.com")));
}

// A policy that is lost in a power cut is no policy for whoever keeps the next fetch from succeeding (R17).
TEST_F(StoreFaultsTest, R17APolicyIsOnDiskBeforeItGetsItsNameAndTheNameBeforeItIsSaid) {
  std::vector<std::string> synced;
  const WhenSynced watch([&](int fd) {
    const fs::path what = fs::read_symlink("/proc/self/fd/" + std::to_string(fd));
    const bool is_entry = what.filename().string().starts_with(".new-");
    const bool is_whole = is_entry && parse_cache_entry(content(what), domain()).has_value();
    const bool has_name = fs::exists(what / "example.com");
    synced.push_back(is_whole                            ? "the whole entry"
                     : has_name                          ? "the shard with the name"
                     : what == fs::path(scratch_.path()) ? "the store with the new shard"
                                                         : what.string());
    return 0;
  });
  ASSERT_TRUE(store_.put(with_policy()));
  EXPECT_THAT(synced, ElementsAre("the store with the new shard", "the whole entry", "the shard with the name"));
  synced.clear();
  ASSERT_TRUE(store_.put(with_policy()));
  EXPECT_THAT(synced, ElementsAre("the whole entry", "the shard with the name"));
}

TEST_F(StoreFaultsTest, APolicyThatTheDiskDoesNotTakeLeavesTheOldEntry) {
  ASSERT_TRUE(store_.put(with_policy()));
  CacheEntry changed = with_policy();
  changed.record.id = "def";
  const WhenSynced fault([](int) { return EIO; });
  const auto done = store_.put(changed);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kStoreUnavailable);
  EXPECT_EQ(store_.get(domain()).value()->record.id, "abc");
  EXPECT_EQ(std::distance(fs::directory_iterator(file().parent_path()), fs::directory_iterator()), 1);
}

// Another process has saved a newer policy while this one wrote; when it looks again, it has no descriptor left.
TEST_F(StoreFaultsTest, R17WhatCannotBeReadASecondTimeIsNotReplaced) {
  ASSERT_TRUE(store_.put(with_policy()));
  const std::string saved = content(file());
  CacheEntry older = with_policy();
  older.policy->fetched -= std::chrono::hours(1);
  log_.write(LogLevel::kDebug, "");  // the sanitizers look at its type now, for which they need descriptors
  std::optional<test::NoMoreDescriptors> none;
  const WhenSynced fault([&](int) {
    none.emplace();
    return 0;
  });
  const auto put = store_.put(older);
  none.reset();
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().code, ErrorCode::kLocalFault);
  EXPECT_EQ(content(file()), saved);
  EXPECT_EQ(std::distance(fs::directory_iterator(file().parent_path()), fs::directory_iterator()), 1);
}

TEST_F(StoreFaultsTest, WhatCanBeAskedForAgainWaitsForNoDisk) {
  ASSERT_TRUE(store_.put(with_policy()));
  const WhenSynced watch([](int fd) {
    ADD_FAILURE() << fs::read_symlink("/proc/self/fd/" + std::to_string(fd));
    return 0;
  });
  ASSERT_TRUE(
      store_.put({domain(), {RecordMemory::State::kAbsent, now() + std::chrono::seconds(500), {}, {}}, {}, {}}));
}

TEST_F(StoreFaultsTest, M12AStoreThatCannotBeWrittenIsWarnedAboutEveryHourAndAfterARecovery) {
  const auto put = [this](bool works) {
    const WhenSynced fault([works](int) { return works ? 0 : EIO; });
    EXPECT_EQ(store_.put(with_policy()).has_value(), works);
    return std::exchange(log_.lines, {});
  };
  const auto is_warning = ElementsAre(HasSubstr("warning event=store-unwritable"));
  EXPECT_THAT(put(false), is_warning);
  EXPECT_THAT(put(false), IsEmpty());
  advance_steady_clock(std::chrono::minutes(59));
  EXPECT_THAT(put(false), IsEmpty());
  advance_steady_clock(std::chrono::minutes(2));
  EXPECT_THAT(put(false), is_warning) << "an hour later";
  EXPECT_THAT(put(true), ElementsAre(HasSubstr("info event=store-recovered")));
  EXPECT_THAT(put(true), IsEmpty());
  EXPECT_THAT(put(false), IsEmpty()) << "a store that works now and then is no reason to fill the log";
  advance_steady_clock(std::chrono::seconds(61));
  EXPECT_THAT(put(false), is_warning) << "after a recovery";
}

TEST_F(StoreFaultsTest, M12AStoreThatIsMissingIsWarnedAboutEveryHourAndAfterARecovery) {
  const std::string place = scratch_.path() + "/store";
  FileStore store(place, log_);
  const auto get = [&] {
    EXPECT_FALSE(store.get(domain()).value());
    return std::exchange(log_.lines, {});
  };
  const auto is_warning = ElementsAre(HasSubstr("warning event=store-unavailable"));
  EXPECT_THAT(get(), is_warning);
  EXPECT_THAT(get(), IsEmpty());
  advance_steady_clock(std::chrono::minutes(61));
  EXPECT_THAT(get(), is_warning) << "an hour later";
  fs::create_directory(place);
  EXPECT_THAT(get(), ElementsAre(HasSubstr("info event=store-recovered")));
  advance_steady_clock(std::chrono::seconds(61));
  fs::remove(place);
  EXPECT_THAT(get(), is_warning) << "after a recovery";
}

TEST_F(StoreFaultsTest, ADirectoryThatIsNotThereIsWarnedAboutOnceAnHour) {
  FileStore nowhere(scratch_.path() + "/none", log_);
  EXPECT_FALSE(nowhere.get(domain()).value());
  EXPECT_FALSE(nowhere.get(domain()).value());
  EXPECT_FALSE(nowhere.put(with_policy()));
  EXPECT_FALSE(nowhere.put(with_policy()));
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("event=store-unavailable"), HasSubstr("event=store-unwritable")));
}

TEST_F(StoreFaultsTest, AFullDiskLeavesTheOldEntry) {
  ASSERT_TRUE(store_.put(with_policy()));
  CacheEntry changed = with_policy();
  changed.record.id = "def";
  const auto done = [&] {
    const FileSizeLimit limit(16);
    return store_.put(changed);
  }();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kStoreUnavailable);
  EXPECT_EQ(store_.get(domain()).value()->record.id, "abc");
  EXPECT_EQ(std::distance(fs::directory_iterator(file().parent_path()), fs::directory_iterator()), 1);
}

}  // namespace
}  // namespace mtasts
