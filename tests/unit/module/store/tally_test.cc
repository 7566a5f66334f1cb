#include "module/store/tally.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "module/store/files.h"
#include "module/store/range_lock.h"
#include "module/store/throttle.h"
#include "tests/unit/module/store/store_test.h"

namespace mtasts {
namespace {

namespace fs = std::filesystem;

class TallyTest : public test::StoreTest {
 protected:
  fs::path file_of(const std::string& name) { return fs::path(scratch_.path()) / (".lost-" + name); }
  SharedTally tally_{scratch_.path()};
};

TEST_F(TallyTest, WhatAllProcessesAddedIsTakenOnce) {
  EXPECT_EQ(tally_.take("one"), 0U);
  EXPECT_TRUE(tally_.add("one", 3));
  EXPECT_TRUE(SharedTally(scratch_.path()).add("one", 4));
  EXPECT_TRUE(tally_.add("other", 1));
  EXPECT_EQ(tally_.take("one"), 7U);
  EXPECT_EQ(tally_.take("one"), 0U);
  EXPECT_EQ(tally_.take("other"), 1U);
}

TEST_F(TallyTest, ANumberThatIsTooLargeStaysTheLargestAndADamagedOneIsNone) {
  EXPECT_TRUE(tally_.add("one", UINT64_MAX));
  EXPECT_TRUE(tally_.add("one", UINT64_MAX));
  EXPECT_EQ(tally_.take("one"), 999'999'999'999'999U);
  std::ofstream(file_of("one")) << "-12 sessions or so";
  EXPECT_TRUE(tally_.add("one", 2));
  EXPECT_EQ(tally_.take("one"), 2U);
}

TEST_F(TallyTest, NobodyWaitsForAnotherProcess) {
  ASSERT_TRUE(tally_.add("one", 3));
  {
    const Descriptor other(::open(file_of("one").c_str(), O_RDWR | O_CLOEXEC));
    const RangeLock lock(other.get(), 0, 1);
    ASSERT_EQ(lock.state(), RangeLock::State::kHeld);
    EXPECT_FALSE(tally_.add("one", 4));
    EXPECT_EQ(tally_.take("one"), 0U);
  }
  EXPECT_EQ(tally_.take("one"), 3U);
}

TEST_F(TallyTest, ItIsNoStampThatGrowsOld) {
  ASSERT_TRUE(tally_.add("one", 3));
  fs::last_write_time(file_of("one"), fs::file_time_type::clock::now() - std::chrono::hours(100));
  SharedThrottle throttle(scratch_.path());
  auto stamps = throttle.stamps();
  throttle.remove_old(stamps, 100);
  EXPECT_EQ(tally_.take("one"), 3U);
}

TEST_F(TallyTest, WhereTheStoreIsNotOursNothingIsAdded) {
  EXPECT_FALSE(SharedTally(scratch_.path() + "/nowhere").add("one", 1));
  if (::geteuid() != 0) GTEST_SKIP() << "takes root";
  ASSERT_EQ(::chown(scratch_.path().c_str(), 65534, 65534), 0);
  EXPECT_FALSE(tally_.add("one", 1));
  EXPECT_FALSE(fs::exists(file_of("one")));
}

}  // namespace
}  // namespace mtasts
