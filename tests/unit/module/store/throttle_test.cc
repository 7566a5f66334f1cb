#include "module/store/throttle.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/unit/module/store/store_test.h"

namespace mtasts {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using Due = SharedThrottle::Due;

class ThrottleTest : public test::StoreTest {
 protected:
  fs::path stamp(const std::string& name) { return fs::path(scratch_.path()) / (".due-" + name); }
  SharedThrottle throttle_{scratch_.path()};
};

TEST_F(ThrottleTest, DueOnceAPeriodForAllProcesses) {
  EXPECT_TRUE(throttle_.is_due("dns-failure", minutes(1)));
  EXPECT_FALSE(throttle_.is_due("dns-failure", minutes(1)));
  SharedThrottle other(scratch_.path());
  EXPECT_FALSE(other.is_due("dns-failure", minutes(1)));
  EXPECT_TRUE(other.is_due("dns-failure", seconds(0)));
  EXPECT_TRUE(other.is_due("something-else", minutes(1)));
}

// Not a number of it, for which another domain can be found.
TEST_F(ThrottleTest, R21AWarningAboutADomainGoesByItsName) {
  EXPECT_EQ(throttle_name("refresh", *Domain::parse("example.com")), "refresh-example.com");
}

TEST_F(ThrottleTest, AsLongADomainAsThereIsHasAStamp) {
  const std::string label(60, 'x');
  const std::string rest = "." + label + "." + label + "." + label + ".example";
  const std::string one = throttle_name("refresh", *Domain::parse(std::string(61, 'a') + rest));
  EXPECT_NE(one, throttle_name("refresh", *Domain::parse(std::string(61, 'b') + rest)));
  EXPECT_TRUE(one.ends_with(rest));
  EXPECT_TRUE(throttle_.is_due(one, minutes(1)));
  EXPECT_TRUE(fs::exists(stamp(one)));
}

TEST_F(ThrottleTest, NothingIsWrittenThroughALinkToAnEntry) {
  const CacheEntry saved = test::with_policy();
  ASSERT_TRUE(store_.put(saved));
  const fs::path entry = file();
  fs::create_hard_link(entry, stamp("dns-failure"));
  throttle_.is_due("dns-failure", minutes(1));
  EXPECT_EQ(store_.get(test::domain()).value(), saved);
  fs::remove(stamp("dns-failure"));
  fs::create_symlink(entry, stamp("dns-failure"));
  EXPECT_TRUE(throttle_.is_due("dns-failure", minutes(1))) << "what is not ours is taken away";
  EXPECT_EQ(store_.get(test::domain()).value(), saved);
  EXPECT_FALSE(fs::is_symlink(stamp("dns-failure")));
}

TEST_F(ThrottleTest, OldStampsAreRemoved) {
  ASSERT_TRUE(throttle_.is_due("old", minutes(1)));
  ASSERT_TRUE(throttle_.is_due("new", minutes(1)));
  fs::last_write_time(stamp("old"), fs::file_time_type::clock::now() - hours(49));
  auto stamps = throttle_.stamps();
  EXPECT_EQ(stamps.size(), 2U);
  while (!stamps.empty()) throttle_.remove_old(stamps, 1);
  EXPECT_FALSE(fs::exists(stamp("old")));
  EXPECT_FALSE(throttle_.is_due("new", minutes(1)));
}

// The time of a file written now can be a moment ahead of time(2).
TEST_F(ThrottleTest, AStampAMomentAheadOfTheClockIsNotDue) {
  ASSERT_TRUE(throttle_.is_due("dns-failure", minutes(1)));
  fs::last_write_time(stamp("dns-failure"), fs::file_time_type::clock::now() + seconds(2));
  EXPECT_FALSE(throttle_.is_due("dns-failure", minutes(1)));
  fs::last_write_time(stamp("dns-failure"), fs::file_time_type::clock::now() + hours(2));
  EXPECT_TRUE(throttle_.is_due("dns-failure", minutes(1))) << "the clock was set back";
}

TEST_F(ThrottleTest, NothingIsDueWhereNoStampCanBeLeft) {
  EXPECT_FALSE(SharedThrottle(scratch_.path() + "/nowhere").is_due("dns-failure", minutes(1)));
}

TEST_F(ThrottleTest, WhereNoStampCanBeLeftTheCallerIsToldSo) {
  EXPECT_EQ(SharedThrottle(scratch_.path() + "/nowhere").due("dns-failure", minutes(1)), Due::kCannotKeep);
  EXPECT_EQ(throttle_.due("dns-failure", minutes(1)), Due::kDue);
  EXPECT_EQ(throttle_.due("dns-failure", minutes(1)), Due::kNotDue) << "it leaves one where it can";
  EXPECT_FALSE(throttle_.is_due("dns-failure", minutes(1)));
  fs::last_write_time(stamp("dns-failure"), fs::file_time_type::clock::now() - hours(2));
  EXPECT_EQ(throttle_.due("dns-failure", minutes(1)), Due::kDue);
}

// The store's user could not write it, and would give no warning for as long as it is there.
TEST_F(ThrottleTest, RootLeavesNoStampInAnotherUsersStore) {
  if (::geteuid() != 0) GTEST_SKIP() << "takes root";
  ASSERT_EQ(::chown(scratch_.path().c_str(), 65534, 65534), 0);
  EXPECT_EQ(throttle_.due("dns-failure", minutes(1)), Due::kCannotKeep);
  EXPECT_FALSE(fs::exists(stamp("dns-failure")));
}

}  // namespace
}  // namespace mtasts
