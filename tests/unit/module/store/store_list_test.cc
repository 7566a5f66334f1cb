// The store as a whole: its list, what is removed, and what others have left there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "module/store/group_ledger.h"
#include "tests/unit/cost.h"
#include "tests/unit/module/store/store_test.h"

namespace mtasts {
namespace {

namespace fs = std::filesystem;
using test::domain;
using test::with_policy;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using StoreListTest = test::StoreTest;

TEST_F(StoreListTest, ListsAndRemoves) {
  for (const char* name : {"a.example", "b.example", "c.example"}) ASSERT_TRUE(store_.put(with_policy(name)));
  std::ofstream(file().parent_path() / "README") << "not ours";
  std::vector<std::string> names;
  ASSERT_TRUE(store_.for_each([&names](const CacheEntry& entry, WallTime) { names.push_back(entry.domain.text()); }));
  EXPECT_THAT(names, UnorderedElementsAre("a.example", "b.example", "c.example"));
  EXPECT_EQ(store_.remove(domain("b.example")), FileStore::Removal::kRemoved);
  EXPECT_EQ(store_.remove(domain("b.example")), FileStore::Removal::kNotThere);
  EXPECT_FALSE(store_.get(domain("b.example")).value());
}

TEST_F(StoreListTest, APartThatCannotBeListedIsNotAnEmptyOne) {
  for (const char* name : {"a.example", "b.example"}) ASSERT_TRUE(store_.put(with_policy(name)));
  const fs::path shard = fs::path(file()).parent_path();
  fs::remove_all(shard);
  std::ofstream(shard) << "no folder";
  std::size_t seen = 0;
  for (int i = 0; i < 2; ++i) {
    const auto all = store_.for_each([&seen](const CacheEntry&, WallTime) { ++seen; });
    ASSERT_FALSE(all);
    EXPECT_EQ(all.error().detail, "cannot list " + shard.string() + ": Not a directory");
  }
  EXPECT_EQ(seen, 2U) << "the rest is listed, each time";
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("event=store-unlistable"))) << "once";
  EXPECT_FALSE(store_.remove_all());
}

TEST_F(StoreListTest, APartIsVisitedInSteps) {
  ASSERT_TRUE(store_.put(with_policy()));
  for (const char* name : {"README", ".new-1-2", ".of-other.example"}) std::ofstream(file().parent_path() / name) << "";
  const auto number = static_cast<unsigned>(std::stoul(file().parent_path().filename(), nullptr, 16));
  auto part = store_.list(number).value();
  std::size_t seen = 0;
  for (std::size_t left = 4; left > 0; --left) {
    EXPECT_EQ(part.left.size(), left);
    store_.go_on(
        part, 1, [&seen](const CacheEntry&, WallTime) { ++seen; }, [](const Domain&, WallTime) {});
  }
  EXPECT_THAT(part.left, IsEmpty());
  EXPECT_EQ(seen, 1U);
  EXPECT_EQ(UsageFile(scratch_.path()).read()->at(number), (Usage{2, 4096})) << "the entry and a ledger";
}

TEST_F(StoreListTest, M12ThatItCanBeListedAgainIsTold) {
  ASSERT_TRUE(store_.put(with_policy("a.example")));
  const fs::path shard = fs::path(file()).parent_path();
  const auto number = static_cast<unsigned>(std::stoul(shard.filename(), nullptr, 16));
  const auto list = [this](unsigned part) { return store_.list(part).has_value(); };
  fs::remove_all(shard);
  std::ofstream(shard) << "no folder";
  EXPECT_FALSE(list(number));
  EXPECT_TRUE(list((number + 1) % FileStore::kShards)) << "another part says nothing about this one";
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("event=store-unlistable")));
  fs::remove(shard);
  EXPECT_TRUE(list(number));
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("event=store-unlistable"), HasSubstr("info event=store-recovered")));
}

TEST_F(StoreListTest, RemovesEverythingAlsoWhatIsDamagedOrInTheWay) {
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

// A lookup helper that was taken over could hold the lock for ever.
TEST_F(StoreListTest, WaitsForNobodyWhoHoldsTheLockOfAPartsLedgers) {
  ASSERT_TRUE(store_.put(with_policy()));
  const fs::path shard = file().parent_path();
  const auto long_ago = fs::file_time_type::clock::now() - std::chrono::hours(25);
  const fs::path leftover = shard / ".new-1-2";
  std::vector<fs::path> ledgers;
  for (int i = 0; i < 20; ++i) ledgers.push_back(shard / (".of-d" + std::to_string(i) + ".example"));
  for (const auto& path : ledgers) std::ofstream(path) << "gone.d.example 4096\n";
  std::ofstream(leftover) << "x";
  for (const auto& path : ledgers) fs::last_write_time(path, long_ago);
  fs::last_write_time(leftover, long_ago);
  const auto list = [this] { EXPECT_TRUE(store_.for_each([](const CacheEntry&, WallTime) {})); };
  {
    const auto number = static_cast<unsigned>(std::stoul(shard.filename(), nullptr, 16));
    const LedgerLock held(scratch_.path(), number, std::chrono::milliseconds(0));
    ASSERT_TRUE(held.is_held());
    const test::Cost cost;
    list();
    cost.expect_within(std::chrono::seconds(2), 16);
  }
  EXPECT_FALSE(fs::exists(leftover)) << "for which nobody needs the lock";
  EXPECT_TRUE(std::ranges::all_of(ledgers, [](const fs::path& path) { return fs::exists(path); }));
  list();
  EXPECT_FALSE(std::ranges::any_of(ledgers, [](const fs::path& path) { return fs::exists(path); }));
}

TEST_F(StoreListTest, RemovesWhatKilledWritersLeft) {
  ASSERT_TRUE(store_.put(with_policy()));
  const fs::path leftover = file().parent_path() / ".new-1-2";
  const fs::path of_a_wrong_clock = file().parent_path() / ".new-5-6";
  const fs::path in_use = file().parent_path() / ".new-3-4";
  for (const auto& path : {leftover, of_a_wrong_clock, in_use}) std::ofstream(path) << "mtasts-cache 1\n";
  fs::last_write_time(leftover, fs::file_time_type::clock::now() - std::chrono::hours(25));
  fs::last_write_time(of_a_wrong_clock, fs::file_time_type::clock::now() + std::chrono::hours(8760));
  ASSERT_TRUE(store_.for_each([](const CacheEntry&, WallTime) {}));
  EXPECT_FALSE(fs::exists(leftover));
  EXPECT_FALSE(fs::exists(of_a_wrong_clock));
  EXPECT_TRUE(fs::exists(in_use));
  EXPECT_TRUE(store_.get(domain()).value());
}

}  // namespace
}  // namespace mtasts
