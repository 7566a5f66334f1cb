// What is said once a period, whichever processes share the store.
#include <gtest/gtest.h>

#include "tests/unit/module/store/store_test.h"

namespace mtasts {
namespace {

namespace fs = std::filesystem;
using test::domain;
using test::with_policy;
using ThrottleTest = test::StoreTest;

TEST_F(ThrottleTest, DueOnceAPeriodForAllProcesses) {
  EXPECT_TRUE(store_.due("dns-failure", std::chrono::minutes(1)));
  EXPECT_FALSE(store_.due("dns-failure", std::chrono::minutes(1)));
  FileStore other(scratch_.path(), log_);
  EXPECT_FALSE(other.due("dns-failure", std::chrono::minutes(1)));
  EXPECT_TRUE(other.due("dns-failure", std::chrono::seconds(0)));
  EXPECT_TRUE(other.due("something-else", std::chrono::minutes(1)));
}

TEST_F(ThrottleTest, NothingIsWrittenThroughALinkToAnEntry) {
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
TEST_F(ThrottleTest, OldStampsAreRemoved) {
  ASSERT_TRUE(store_.due("old", std::chrono::minutes(1)));
  const fs::path old = file();
  ASSERT_TRUE(store_.due("new", std::chrono::minutes(1)));
  fs::last_write_time(old, fs::file_time_type::clock::now() - std::chrono::hours(49));
  store_.remove_old_stamps();
  EXPECT_FALSE(fs::exists(old));
  EXPECT_FALSE(store_.due("new", std::chrono::minutes(1)));
}

TEST_F(ThrottleTest, AStampAMomentAheadOfTheClockIsNotDue) {
  ASSERT_TRUE(store_.due("dns-failure", std::chrono::minutes(1)));
  const auto stamp = fs::path(scratch_.path()) / ".due-dns-failure";
  fs::last_write_time(stamp, fs::file_time_type::clock::now() + std::chrono::seconds(2));
  EXPECT_FALSE(store_.due("dns-failure", std::chrono::minutes(1)));
  fs::last_write_time(stamp, fs::file_time_type::clock::now() + std::chrono::hours(2));
  EXPECT_TRUE(store_.due("dns-failure", std::chrono::minutes(1))) << "the clock was set back";
}

}  // namespace
}  // namespace mtasts
