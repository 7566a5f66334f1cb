#include "module/store/policy_store.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <fstream>
#include <sstream>

#include "module/client.h"
#include "module/io/wall_clock.h"
#include "tests/unit/core/entry_sum.h"
#include "tests/unit/module/fakes.h"
#include "tests/unit/module/faults.h"
#include "tests/unit/module/scratch.h"

namespace mtasts {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr char kPolicy[] = "version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 604800\n";

Domain domain(const std::string& name = "example.com") { return *Domain::parse(name); }

CacheEntry with_policy(const std::string& name = "example.com") {
  const Time at = now();
  CacheEntry entry{domain(name),
                   {RecordMemory::State::kFound, at + std::chrono::seconds(300), "abc", {}},
                   std::nullopt,
                   std::nullopt};
  entry.policy = StoredPolicy{"abc", at, kPolicy, *parse_policy(kPolicy)};
  return entry;
}

class StoreTest : public ::testing::Test {
 protected:
  // Where the only file of the store lies.
  fs::path file() {
    for (const auto& item : fs::recursive_directory_iterator(scratch_.path())) {
      if (!item.is_directory() && item.path().filename() != ".usage") return item.path();
    }
    return {};
  }
  static std::string content(const fs::path& path) {
    std::ifstream stream(path);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  FakeLog log_;
  Scratch scratch_;
  FileStore store_{scratch_.path(), log_};
};

TEST_F(StoreTest, R17KeepsAPolicyAcrossProcesses) {
  const CacheEntry saved = with_policy();
  ASSERT_TRUE(store_.put(saved));
  FileStore other(scratch_.path(), log_);
  EXPECT_EQ(other.get(domain()).value(), saved);
  EXPECT_THAT(log_.lines, IsEmpty());
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
  constexpr char kUnknown[] = "mtasts-cache 2\nwhatever\n";
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
  EXPECT_TRUE(store_.remove(domain()).value());
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
    for (unsigned shard = 0; shard < FileStore::kShards; ++shard)
      store.for_each_in_shard(
          shard, [](const CacheEntry&, Time) { FAIL() << "it is no entry"; },
          [&names](const Domain& domain, Time) { names.push_back(domain.text()); });
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
  EXPECT_FALSE(store_.remove(domain()).value_or(false));
  EXPECT_TRUE(fs::exists(elsewhere / "example.com"));
  fs::remove_all(elsewhere);
}

// With as few descriptors as are open.
TEST_F(StoreTest, WhatCannotBeReadForWantOfADescriptorIsNoAbsence) {
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
TEST_F(StoreTest, WhoMayNotReadTheStoreIsToldWhoMay) {
  ASSERT_TRUE(store_.put(with_policy()));
  const bool is_root = ::geteuid() == 0;
  ::chmod(scratch_.path().c_str(), is_root ? 0750 : 0);
  const pid_t child = ::fork();
  if (child == 0) {
    constexpr uid_t kNobody = 65'534;
    const bool ready = !is_root || (::setgid(kNobody) == 0 && ::setgroups(0, nullptr) == 0 && ::setuid(kNobody) == 0);
    const auto cached = store_.use(domain());
    const auto list = store_.for_each([](const CacheEntry&, Time) {});
    const auto tells = [](const std::string& text) {
      return text.find("Permission denied; run this program as root, as the user ") != std::string::npos &&
             text.find(" or in the group ") != std::string::npos;
    };
    const bool refused = !cached && cached.error().code == ErrorCode::kLocalFault && tells(cached.error().detail);
    ::_exit(ready && refused && !list && tells(list.error().detail) ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ::chmod(scratch_.path().c_str(), 0700);
  EXPECT_EQ(status, 0);
}

TEST_F(StoreTest, WhatCannotBeReadIsNotReplacedAndWarnedAboutOnceAMinute) {
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
TEST_F(StoreTest, R17APolicyIsOnDiskBeforeItGetsItsNameAndTheNameBeforeItIsSaid) {
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

TEST_F(StoreTest, APolicyThatTheDiskDoesNotTakeLeavesTheOldEntry) {
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

TEST_F(StoreTest, WhatCanBeAskedForAgainWaitsForNoDisk) {
  ASSERT_TRUE(store_.put(with_policy()));
  const WhenSynced watch([](int fd) {
    ADD_FAILURE() << fs::read_symlink("/proc/self/fd/" + std::to_string(fd));
    return 0;
  });
  ASSERT_TRUE(
      store_.put({domain(), {RecordMemory::State::kAbsent, now() + std::chrono::seconds(500), {}, {}}, {}, {}}));
}

TEST_F(StoreTest, M12AStoreThatCannotBeWrittenIsWarnedAboutEveryHourAndAfterARecovery) {
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

TEST_F(StoreTest, M12AStoreThatIsMissingIsWarnedAboutEveryHourAndAfterARecovery) {
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

TEST_F(StoreTest, ADirectoryThatIsNotThereIsWarnedAboutOnceAnHour) {
  FileStore nowhere(scratch_.path() + "/none", log_);
  EXPECT_FALSE(nowhere.get(domain()).value());
  EXPECT_FALSE(nowhere.get(domain()).value());
  EXPECT_FALSE(nowhere.put(with_policy()));
  EXPECT_FALSE(nowhere.put(with_policy()));
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("event=store-unavailable"), HasSubstr("event=store-unwritable")));
}

TEST_F(StoreTest, AFullDiskLeavesTheOldEntry) {
  ASSERT_TRUE(store_.put(with_policy()));
  struct rlimit before {};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit tiny { 16, before.rlim_max };
  ::setrlimit(RLIMIT_FSIZE, &tiny);  // write(2) now fails after 16 bytes, as on a disk that fills up
  CacheEntry changed = with_policy();
  changed.record.id = "def";
  const auto done = store_.put(changed);
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::kStoreUnavailable);
  EXPECT_EQ(store_.get(domain()).value()->record.id, "abc");
  EXPECT_EQ(std::distance(fs::directory_iterator(file().parent_path()), fs::directory_iterator()), 1);
}

TEST_F(StoreTest, ListsAndRemoves) {
  for (const char* name : {"a.example", "b.example", "c.example"}) ASSERT_TRUE(store_.put(with_policy(name)));
  std::ofstream(file().parent_path() / "README") << "not ours";
  std::vector<std::string> names;
  ASSERT_TRUE(store_.for_each([&names](const CacheEntry& entry, Time) { names.push_back(entry.domain.text()); }));
  EXPECT_THAT(names, UnorderedElementsAre("a.example", "b.example", "c.example"));
  EXPECT_EQ(store_.remove(domain("b.example")), Result<bool>(true));
  EXPECT_EQ(store_.remove(domain("b.example")), Result<bool>(false));
  EXPECT_FALSE(store_.get(domain("b.example")).value());
}

TEST_F(StoreTest, APartThatCannotBeListedIsNotAnEmptyOne) {
  for (const char* name : {"a.example", "b.example"}) ASSERT_TRUE(store_.put(with_policy(name)));
  const fs::path shard = fs::path(file()).parent_path();
  fs::remove_all(shard);
  std::ofstream(shard) << "no folder";
  std::size_t seen = 0;
  for (int i = 0; i < 2; ++i) {
    const auto all = store_.for_each([&seen](const CacheEntry&, Time) { ++seen; });
    ASSERT_FALSE(all);
    EXPECT_EQ(all.error().detail, "cannot list " + shard.string() + ": Not a directory");
  }
  EXPECT_EQ(seen, 2U) << "the rest is listed, each time";
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("event=store-unlistable"))) << "once";
  EXPECT_FALSE(store_.remove_all());
}

TEST_F(StoreTest, RemovesEverythingAlsoWhatIsDamagedOrInTheWay) {
  for (const char* name : {"a.example", "b.example"}) ASSERT_TRUE(store_.put(with_policy(name)));
  std::ofstream(file()) << "noise";
  EXPECT_EQ(store_.remove_all(), Result<std::size_t>(2));
  ASSERT_TRUE(store_.put(with_policy("c.example")));
  const fs::path in_the_way = file();
  fs::remove(in_the_way);
  fs::create_directory(in_the_way);
  ASSERT_TRUE(store_.put(with_policy("d.example")));
  EXPECT_FALSE(store_.remove_all()) << "a directory is not ours to remove";
  EXPECT_FALSE(store_.get(domain("d.example")).value()) << "and keeps nothing else";
}

TEST_F(StoreTest, RemovesWhatKilledWritersLeft) {
  ASSERT_TRUE(store_.put(with_policy()));
  const fs::path leftover = file().parent_path() / ".new-1-2";
  const fs::path of_a_wrong_clock = file().parent_path() / ".new-5-6";
  const fs::path in_use = file().parent_path() / ".new-3-4";
  for (const auto& path : {leftover, of_a_wrong_clock, in_use}) std::ofstream(path) << "mtasts-cache 1\n";
  fs::last_write_time(leftover, fs::file_time_type::clock::now() - std::chrono::hours(25));
  fs::last_write_time(of_a_wrong_clock, fs::file_time_type::clock::now() + std::chrono::hours(8760));
  ASSERT_TRUE(store_.for_each([](const CacheEntry&, Time) {}));
  EXPECT_FALSE(fs::exists(leftover));
  EXPECT_FALSE(fs::exists(of_a_wrong_clock));
  EXPECT_TRUE(fs::exists(in_use));
  EXPECT_TRUE(store_.get(domain()).value());
}

// When entries were last used, as for_each tells it.
class StoreUseTest : public StoreTest {
 protected:
  Time used() {
    Time found{};
    EXPECT_TRUE(store_.for_each([&found](const CacheEntry&, Time used) { found = used; }));
    return found;
  }
  void set_used(Time at) {
    const std::array<timespec, 2> times{timespec{at.time_since_epoch().count(), 0}, timespec{0, UTIME_OMIT}};
    ASSERT_EQ(::utimensat(AT_FDCWD, file().c_str(), times.data(), 0), 0);
  }
  const Time long_ago_ = now() - std::chrono::hours(400);
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

TEST_F(StoreUseTest, ARefreshIsNoUse) {
  CacheEntry absent{domain(), {RecordMemory::State::kAbsent, now(), {}, {}}, std::nullopt, std::nullopt};
  for (const CacheEntry& entry : {with_policy(), absent}) {
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

TEST_F(StoreTest, AClaimEndsWithItsProcess) {
  std::array<int, 2> ready{};
  ASSERT_EQ(::pipe(ready.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    FileStore own(scratch_.path(), log_);
    const auto claim = own.claim(domain(), PolicyStore::Slot::kFirst);
    const bool told = ::write(ready[1], claim ? "1" : "0", 1) == 1;
    while (told) ::pause();
    ::_exit(1);
  }
  char held = 0;
  ASSERT_EQ(::read(ready[0], &held, 1), 1);
  EXPECT_EQ(held, '1');
  EXPECT_EQ(store_.claim(domain(), PolicyStore::Slot::kFirst), nullptr);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_NE(store_.claim(domain(), PolicyStore::Slot::kFirst), nullptr);
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_F(StoreTest, NobodyElseCanHoldUpLookups) {
  const auto claim = store_.claim(domain(), PolicyStore::Slot::kFirst);
  const auto mode = fs::status(scratch_.path() + "/.claims").permissions();
  EXPECT_EQ(mode, fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(StoreTest, WithoutADirectoryEverybodyLooksUpByHimself) {
  FileStore nowhere(scratch_.path() + "/nowhere", log_);
  FileStore nowhere_too(scratch_.path() + "/nowhere", log_);
  const auto first = nowhere.claim(domain(), PolicyStore::Slot::kFirst);
  EXPECT_NE(first, nullptr);
  EXPECT_NE(nowhere_too.claim(domain(), PolicyStore::Slot::kFirst), nullptr);
}

TEST_F(StoreTest, DueOnceAPeriodForAllProcesses) {
  EXPECT_TRUE(store_.due("dns-failure", std::chrono::minutes(1)));
  EXPECT_FALSE(store_.due("dns-failure", std::chrono::minutes(1)));
  FileStore other(scratch_.path(), log_);
  EXPECT_FALSE(other.due("dns-failure", std::chrono::minutes(1)));
  EXPECT_TRUE(other.due("dns-failure", std::chrono::seconds(0)));
  EXPECT_TRUE(other.due("something-else", std::chrono::minutes(1)));
}

TEST_F(StoreTest, NothingIsWrittenThroughALinkToAnEntry) {
  const CacheEntry saved = with_policy();
  ASSERT_TRUE(store_.put(saved));
  const fs::path entry = file();
  const fs::path stamp = fs::path(scratch_.path()) / ".due-dns-failure";
  const fs::path clock = fs::path(scratch_.path()) / ".clock";
  for (const auto& link : {stamp, clock}) fs::create_hard_link(entry, link);
  store_.due("dns-failure", std::chrono::minutes(1));
  store_.clock_is_steady(now());
  EXPECT_EQ(store_.get(domain()).value(), saved);
  for (const auto& link : {stamp, clock}) {
    fs::remove(link);
    fs::create_symlink(entry, link);
  }
  EXPECT_TRUE(store_.due("dns-failure", std::chrono::minutes(1))) << "what is not ours is taken away";
  store_.clock_is_steady(now());
  EXPECT_EQ(store_.get(domain()).value(), saved);
  EXPECT_FALSE(fs::is_symlink(stamp) || fs::is_symlink(clock));
}

// The time of a file written now can be a moment ahead of time(2).
TEST_F(StoreTest, OldStampsAreRemoved) {
  ASSERT_TRUE(store_.due("old", std::chrono::minutes(1)));
  const fs::path old = file();
  ASSERT_TRUE(store_.due("new", std::chrono::minutes(1)));
  fs::last_write_time(old, fs::file_time_type::clock::now() - std::chrono::hours(49));
  store_.remove_old_stamps();
  EXPECT_FALSE(fs::exists(old));
  EXPECT_FALSE(store_.due("new", std::chrono::minutes(1)));
}

TEST_F(StoreTest, AStampAMomentAheadOfTheClockIsNotDue) {
  ASSERT_TRUE(store_.due("dns-failure", std::chrono::minutes(1)));
  const auto stamp = fs::path(scratch_.path()) / ".due-dns-failure";
  fs::last_write_time(stamp, fs::file_time_type::clock::now() + std::chrono::seconds(2));
  EXPECT_FALSE(store_.due("dns-failure", std::chrono::minutes(1)));
  fs::last_write_time(stamp, fs::file_time_type::clock::now() + std::chrono::hours(2));
  EXPECT_TRUE(store_.due("dns-failure", std::chrono::minutes(1))) << "the clock was set back";
}

}  // namespace
}  // namespace mtasts
