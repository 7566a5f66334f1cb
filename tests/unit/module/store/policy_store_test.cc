// Entries: written, read, refused, and when they were last used.
#include "module/store/policy_store.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <array>
#include <fstream>
#include <sstream>

#include "tests/unit/core/entry_sum.h"
#include "tests/unit/module/store/store_test.h"

namespace mtasts {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;
using std::chrono::minutes;
using test::domain;
using test::with_policy;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using StoreTest = test::StoreTest;

TEST_F(StoreTest, R17KeepsAPolicyAcrossProcesses) {
  const CacheEntry saved = with_policy();
  ASSERT_TRUE(store_.put(saved));
  FileStore other(scratch_.path(), log_);
  EXPECT_EQ(other.get(domain()).value(), saved);
  EXPECT_THAT(log_.lines, IsEmpty());
}

CacheEntry fetched(const std::string& id, WallTime when) {
  CacheEntry entry = with_policy();
  entry.record.id = entry.policy->id = id;
  entry.policy->fetched = when;
  return entry;
}

// A process that stood still between its last look and this.
TEST_F(StoreTest, R17APolicyIsNotReplacedByOneThatWasFetchedEarlier) {
  const WallTime fetched_at = now();
  ASSERT_TRUE(store_.put(fetched("2", fetched_at - minutes(1))));
  ASSERT_TRUE(store_.put(fetched("1", fetched_at - minutes(2))));
  EXPECT_EQ(store_.get(domain()).value()->policy->id, "2");
  EXPECT_EQ(std::distance(fs::directory_iterator(file().parent_path()), {}), 1) << "nothing is left behind";
  ASSERT_TRUE(store_.put(fetched("3", fetched_at)));
  EXPECT_EQ(store_.get(domain()).value()->policy->id, "3");
}

// The same of one that had found no record, or whose fetch had failed.
TEST_F(StoreTest, R17APolicyIsNotReplacedByWhatHasNone) {
  ASSERT_TRUE(store_.put(fetched("2", now() - minutes(1))));
  const CacheEntry absent{domain(), {RecordMemory::State::kAbsent, now() + hours(1), {}, {}}, {}, {}};
  CacheEntry failed{domain(), {}, std::nullopt, std::nullopt};
  failed.record = {RecordMemory::State::kFound, now() + hours(1), "1", {}};
  failed.failure = FetchFailure{"1", 1, 1, now() + minutes(5), Error{ErrorCode::kPolicyFetch, "refused"}};
  for (const CacheEntry& late : {failed, absent}) {
    ASSERT_TRUE(store_.put(late));
    const auto kept = store_.get(domain()).value();
    ASSERT_TRUE(kept && kept->policy);
    EXPECT_EQ(kept->policy->id, "2");
  }
}

// By a clock that is ahead, or after one that was a year back, it has expired; when the clock is right it is in force.
TEST_F(StoreTest, R17WhatHasNoPolicyReplacesNoneThatSeemsExpired) {
  ASSERT_TRUE(store_.put(fetched("2", now() - hours(24 * 400))));
  ASSERT_TRUE(store_.put({domain(), {RecordMemory::State::kAbsent, now() + hours(1), {}, {}}, {}, {}}));
  EXPECT_TRUE(store_.get(domain()).value()->policy);
}

TEST_F(StoreTest, APolicyOfAClockThatWasAheadIsReplaced) {
  ASSERT_TRUE(store_.put(fetched("2", now() + hours(24 * 365))));
  ASSERT_TRUE(store_.put(fetched("1", now())));
  EXPECT_EQ(store_.get(domain()).value()->policy->id, "1");
}

TEST_F(StoreTest, AnEntryIsATextFileNamedAfterItsDomainAndReadableByAll) {
  const auto before = ::umask(077);
  ASSERT_TRUE(store_.put(with_policy()));
  ::umask(before);
  EXPECT_EQ(file().filename(), "example.com");
  EXPECT_EQ(fs::status(file()).permissions(), fs::perms(0644));
  EXPECT_EQ(fs::status(file().parent_path()).permissions(), fs::perms(0755));
  std::ifstream stream(file());
  std::string first;
  std::getline(stream, first);
  EXPECT_EQ(first, "mtasts-cache 1");
}

TEST_F(StoreTest, AKnownAbsenceIsAnEmptyFileWhoseTimeSaysUntilWhen) {
  CacheEntry entry{
      domain(), {RecordMemory::State::kAbsent, now() + std::chrono::seconds(500), {}, {}}, std::nullopt, std::nullopt};
  ASSERT_TRUE(store_.put(entry));
  EXPECT_EQ(fs::file_size(file()), 0U);
  EXPECT_EQ(store_.get(domain()).value(), entry);
}

// An empty file names no domain; only its time can tell an absence that was saved for this one.
TEST_F(StoreTest, AnEntryCutToNothingIsNoKnownAbsenceAlsoWhenTheClockGoesBack) {
  ASSERT_TRUE(store_.put(with_policy()));
  fs::resize_file(file(), 0);
  const std::array<timespec, 2> times{timespec{0, UTIME_OMIT},
                                      timespec{now().time_since_epoch().count() + 3600, 123'456'789}};
  ASSERT_EQ(::utimensat(AT_FDCWD, file().c_str(), times.data(), 0), 0);
  EXPECT_FALSE(store_.get(domain()).value());
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("warning event=store-entry-damaged domain=example.com")));
}

TEST_F(StoreTest, AnotherDomainsAbsenceUnderASecondNameIsRefused) {
  ASSERT_TRUE(store_.put(with_policy()));
  const fs::path place = file();
  fs::remove(place);
  ASSERT_TRUE(store_.put(
      {domain("other.example"), {RecordMemory::State::kAbsent, now() + std::chrono::seconds(500), {}, {}}, {}, {}}));
  fs::create_hard_link(file(), place);
  EXPECT_FALSE(store_.get(domain()).value());
  EXPECT_TRUE(store_.get(domain("other.example")).value());
}

TEST_F(StoreTest, AnAbsenceIsKnownAlsoWhereTheFileSystemKeepsWholeSeconds) {
  const CacheEntry entry{
      domain(), {RecordMemory::State::kAbsent, now() + std::chrono::seconds(500), {}, {}}, std::nullopt, std::nullopt};
  ASSERT_TRUE(store_.put(entry));
  const std::array<timespec, 2> times{timespec{0, UTIME_OMIT},
                                      timespec{entry.record.until.time_since_epoch().count(), 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, file().c_str(), times.data(), 0), 0);
  EXPECT_EQ(store_.get(domain()).value(), entry);
}

TEST_F(StoreTest, AnEmptyDirectoryInPlaceOfAnEntryIsNoObstacle) {
  ASSERT_TRUE(store_.put(with_policy()));
  const fs::path place = file();
  fs::remove(place);
  fs::create_directory(place);
  EXPECT_TRUE(store_.put(with_policy()));
  EXPECT_TRUE(store_.get(domain()).value());
  fs::remove(place);
  fs::create_directories(place / "somebody's");
  EXPECT_FALSE(store_.put(with_policy())) << "what somebody keeps there is not ours to remove";
  EXPECT_TRUE(fs::exists(place / "somebody's"));
}

TEST_F(StoreTest, ReplacesWholeAndLeavesNoTemporaryFile) {
  ASSERT_TRUE(store_.put(with_policy()));
  CacheEntry changed = with_policy();
  changed.record.id = "def";
  ASSERT_TRUE(store_.put(changed));
  EXPECT_EQ(store_.get(domain()).value()->record.id, "def");
  EXPECT_EQ(std::distance(fs::directory_iterator(file().parent_path()), fs::directory_iterator()), 1);
}

// Upgrade and downgrade: the policy stays in force, and an absence does not replace it.
TEST_F(StoreTest, R17APolicyOfAnotherVersionIsReadAndKept) {
  const CacheEntry saved = with_policy();
  for (const char* version : {"0", "2"}) {
    std::string bytes = serialize(saved);
    bytes.replace(bytes.find("1\n"), 1, version);
    ASSERT_TRUE(store_.put(saved));
    std::ofstream(file()) << test::with_right_sum(bytes);
    auto entry = store_.get(domain()).value();
    ASSERT_TRUE(entry) << version;
    EXPECT_EQ(entry->policy, saved.policy);
    EXPECT_EQ(entry->record, RecordMemory{}) << "it is asked for again";
    entry->record.state = RecordMemory::State::kAbsent;
    EXPECT_TRUE(store_.put(*entry));
    EXPECT_EQ(store_.get(domain()).value()->policy, saved.policy);
  }
  EXPECT_THAT(log_.lines, IsEmpty());
}

TEST_F(StoreTest, R17WhatAnotherVersionWroteInAnUnknownFormIsNotReplaced) {
  ASSERT_TRUE(store_.put(with_policy()));
  const std::string kUnknown = test::with_right_sum("mtasts-cache 2\nwhatever\nsum: 0123456789abcdef\n\n");
  std::ofstream(file()) << kUnknown;
  const auto read = store_.use(domain());
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::kLocalFault) << "mail waits";
  EXPECT_FALSE(store_.put({domain(), {RecordMemory::State::kAbsent, now() + std::chrono::hours(1), {}, {}}, {}, {}}));
  std::stringstream left;
  left << std::ifstream(file()).rdbuf();
  EXPECT_EQ(left.str(), kUnknown);
  EXPECT_THAT(log_.lines, ElementsAre(AllOf(HasSubstr("warning event=store-entry-unreadable domain=example.com"),
                                            HasSubstr("mtasts cache purge example.com"))));
  EXPECT_EQ(store_.remove(domain()), FileStore::Removal::kRemoved);
}

// "mtasts-cache 1" and one bit: nothing says that another version wrote it, and no mail waits for an administrator.
TEST_F(StoreTest, AnEntryWithAWrongBitInItsVersionIsReplaced) {
  const CacheEntry saved = with_policy();
  ASSERT_TRUE(store_.put(saved));
  std::string bytes = serialize(saved);
  bytes[bytes.find("1\n")] = '3';
  std::ofstream(file()) << bytes;
  const auto read = store_.use(domain());
  ASSERT_TRUE(read);
  EXPECT_FALSE(*read);
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("warning event=store-entry-damaged domain=example.com")));
  EXPECT_TRUE(store_.put(saved));
  EXPECT_EQ(store_.get(domain()).value(), saved);
}

TEST_F(StoreTest, ADamagedEntryIsAMissAndAWarning) {
  ASSERT_TRUE(store_.put(with_policy()));
  fs::resize_file(file(), fs::file_size(file()) - 7);
  EXPECT_FALSE(store_.get(domain()).value());
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("warning event=store-entry-damaged domain=example.com")));
}

TEST_F(StoreTest, WhatIsDamagedIsToldOnceADayAndVisitedAsSuch) {
  ASSERT_TRUE(store_.put(with_policy()));
  std::ofstream(file()) << "noise";
  std::vector<std::string> names;
  for (int round = 0; round < 2; ++round) {
    FileStore store(scratch_.path(), log_);  // another process
    for (unsigned shard = 0; shard < FileStore::kShards; ++shard) {
      auto part = store.list(shard).value();
      store.go_on(
          part, 1, [](const CacheEntry&, WallTime) { FAIL() << "it is no entry"; },
          [&names](const Domain& domain, WallTime) { names.push_back(domain.text()); });
    }
    EXPECT_FALSE(store.get(domain()).value());
  }
  EXPECT_THAT(names, ElementsAre("example.com", "example.com"));
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("warning event=store-entry-damaged domain=example.com")));
}

// A delivery's process may be root: it must leave no file there that the store's owner cannot write.
TEST_F(StoreTest, ADeliveryThatMeetsADamagedEntryTellsItAndWritesNothing) {
  ASSERT_TRUE(store_.put(with_policy()));
  std::ofstream(file()) << "noise";
  EXPECT_FALSE(store_.use(domain()).value());
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("warning event=store-entry-damaged domain=example.com")));
  EXPECT_EQ(std::distance(fs::directory_iterator(scratch_.path()), fs::directory_iterator()), 1);
}

TEST_F(StoreTest, AnEntryUnderAnotherNameIsRefused) {
  ASSERT_TRUE(store_.put(with_policy("other.example")));
  const fs::path other = file();
  ASSERT_TRUE(store_.put(with_policy()));
  fs::path target;
  for (const auto& item : fs::recursive_directory_iterator(scratch_.path())) {
    if (item.path().filename() == "example.com") target = item.path();
  }
  fs::copy_file(other, target, fs::copy_options::overwrite_existing);
  EXPECT_FALSE(store_.get(domain()).value());
}

TEST_F(StoreTest, RefusesSymbolicLinksFifosDirectoriesAndGiants) {
  ASSERT_TRUE(store_.put(with_policy()));
  const fs::path place = file();
  const std::string copy = scratch_.path() + "-copy";
  fs::rename(place, copy);

  fs::create_symlink(copy, place);
  EXPECT_FALSE(store_.get(domain()).value()) << "symbolic link";
  fs::remove(place);
  ASSERT_EQ(::mkfifo(place.c_str(), 0644), 0);
  EXPECT_FALSE(store_.get(domain()).value()) << "FIFO, and no waiting for a writer";
  fs::remove(place);
  fs::create_directory(place);
  EXPECT_FALSE(store_.get(domain()).value()) << "directory";
  fs::remove(place);
  std::ofstream(place) << "x";
  fs::resize_file(place, 1ULL << 40U);
  EXPECT_FALSE(store_.get(domain()).value()) << "giant";
  fs::remove(place);

  fs::rename(copy, place);
  EXPECT_TRUE(store_.get(domain()).value());
}

TEST_F(StoreTest, FollowsNoLinkInPlaceOfASubdirectory) {
  ASSERT_TRUE(store_.put(with_policy()));
  const fs::path shard = file().parent_path();
  const fs::path elsewhere = scratch_.path() + "-elsewhere";
  fs::rename(shard, elsewhere);
  fs::create_directory_symlink(elsewhere, shard);
  EXPECT_FALSE(store_.get(domain()).value());
  EXPECT_FALSE(store_.put(with_policy()));
  EXPECT_NE(store_.remove(domain()), FileStore::Removal::kRemoved);
  EXPECT_TRUE(fs::exists(elsewhere / "example.com"));
  fs::remove_all(elsewhere);
}

// When entries were last used, as for_each tells it.
class StoreUseTest : public StoreTest {
 protected:
  WallTime used() {
    WallTime found{};
    EXPECT_TRUE(store_.for_each([&found](const CacheEntry&, WallTime used) { found = used; }));
    return found;
  }
  void set_used(WallTime at) {
    const std::array<timespec, 2> times{timespec{at.time_since_epoch().count(), 0}, timespec{0, UTIME_OMIT}};
    ASSERT_EQ(::utimensat(AT_FDCWD, file().c_str(), times.data(), 0), 0);
  }
  const WallTime long_ago_ = now() - std::chrono::hours(400);
};

TEST_F(StoreUseTest, ADeliveryCountsAsAUseAndNothingElseDoes) {
  ASSERT_TRUE(store_.put(with_policy()));
  EXPECT_GE(used() + std::chrono::minutes(1), now()) << "what is new is used";
  set_used(long_ago_);
  EXPECT_TRUE(store_.get(domain()).value());
  EXPECT_EQ(used(), long_ago_) << "neither a look nor a list is a use";
  EXPECT_TRUE(store_.use(domain()).value());
  EXPECT_GE(used() + std::chrono::minutes(1), now());
}

// By the store, because the kernel marks one a day or none (relatime, noatime). On a file system of its own where the
// kernel marks none: with relatime it marks the uses of a file that was changed just now.
TEST_F(StoreUseTest, AUseIsMarkedOnceAnHour) {
  if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("tmpfs", scratch_.path().c_str(), "tmpfs", MS_NOATIME, nullptr) != 0)
    GTEST_SKIP() << "nothing can be mounted here";
  ASSERT_TRUE(store_.put(with_policy()));
  const auto used_before = [&](minutes ago) {
    set_used(now() - ago);
    EXPECT_TRUE(store_.use(domain()).value());
    return now() - used();
  };
  EXPECT_LT(used_before(minutes(61)), minutes(1));
  EXPECT_GT(used_before(minutes(58)), minutes(57));
  ::umount2(scratch_.path().c_str(), MNT_DETACH);
}

TEST_F(StoreUseTest, ARefreshIsNoUse) {
  CacheEntry absent{domain(), {RecordMemory::State::kAbsent, now(), {}, {}}, std::nullopt, std::nullopt};
  for (const CacheEntry& entry : {with_policy(), absent}) {
    ASSERT_TRUE(store_.remove(domain()));  // nothing without a policy would replace it
    ASSERT_TRUE(store_.put(entry));
    set_used(long_ago_);
    ASSERT_TRUE(store_.put(entry));
    EXPECT_EQ(used(), long_ago_);
    EXPECT_EQ(*store_.get(domain()).value(), entry);
  }
}

TEST_F(StoreTest, AClaimIsHeldByOneStoreAtATime) {
  FileStore other(scratch_.path(), log_);
  auto claim = store_.claim(domain(), PolicyStore::Slot::kFirst);
  ASSERT_NE(claim, nullptr);
  EXPECT_EQ(other.claim(domain(), PolicyStore::Slot::kFirst), nullptr);
  EXPECT_NE(other.claim(domain("example.net"), PolicyStore::Slot::kFirst), nullptr) << "another domain";
  const auto second = other.claim(domain(), PolicyStore::Slot::kSecond);
  EXPECT_NE(second, nullptr);
  EXPECT_EQ(store_.claim(domain(), PolicyStore::Slot::kSecond), nullptr);
  claim.reset();
  EXPECT_NE(other.claim(domain(), PolicyStore::Slot::kFirst), nullptr);
}

}  // namespace
}  // namespace mtasts
