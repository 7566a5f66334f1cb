// M7: which names below a registrable domain there are, and what they take.
#include "module/store/group_ledger.h"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>

#include "tests/unit/module/file_size_limit.h"
#include "tests/unit/module/store/store_quota_fixture.h"

namespace mtasts {
namespace {

using std::chrono::hours;
using ::testing::ElementsAre;

TEST_F(StoreQuotaTest, ALedgerGoesWithItsNames) {
  ASSERT_TRUE(put(with_policy("a.hostile.example")));
  ASSERT_TRUE(put(with_policy("b.c.hostile.example")));
  const fs::path ledger = file(".of-hostile.example");
  ASSERT_TRUE(store_.remove(domain("b.c.hostile.example")));
  EXPECT_TRUE(fs::exists(ledger));
  ASSERT_TRUE(store_.remove(domain("a.hostile.example")));
  EXPECT_FALSE(fs::exists(ledger));
}

TEST_F(StoreQuotaTest, ALedgerWhoseNamesWereRemovedByHandGoesToo) {
  ASSERT_TRUE(put(with_policy("a.hostile.example")));
  const fs::path ledger = file(".of-hostile.example");
  ASSERT_FALSE(ledger.empty());
  const auto old = [&] {
    const std::array<timespec, 2> times{timespec{0, UTIME_OMIT}, timespec{1'700'000'000, 0}};
    ::utimensat(AT_FDCWD, ledger.c_str(), times.data(), 0);
    EXPECT_TRUE(store_.for_each([](const CacheEntry&, WallTime) {}));
  };
  old();
  EXPECT_TRUE(fs::exists(ledger));
  fs::remove(file("a.hostile.example"));
  {
    const GroupLedger held(scratch_.path(), "hostile.example");
    old();
    EXPECT_TRUE(fs::exists(ledger)) << "another process is about to put a name there";
  }
  old();
  EXPECT_FALSE(fs::exists(ledger));
}

// What the ledger of a domain's names lists.
class LedgerTest : public StoreQuotaTest {
 protected:
  LedgerTest() { rules_ = QuotaRules{}; }

  std::set<std::string> listed(const std::string& domain = "hostile.example") {
    std::set<std::string> names;
    GroupLedger ledger(scratch_.path(), domain);
    for (const auto& [name, bytes] : ledger.names()) names.insert(name);
    return names;
  }
};

TEST_F(LedgerTest, M7ALedgerThatCannotBeWrittenKeepsItsNames) {
  ASSERT_TRUE(put(with_policy("a.hostile.example")));
  ASSERT_TRUE(put(with_policy("b.hostile.example")));
  {
    const FileSizeLimit limit(10);
    EXPECT_FALSE(put(with_policy("c.hostile.example")));
  }
  EXPECT_THAT(listed(), ElementsAre("a.hostile.example", "b.hostile.example"));
  ASSERT_TRUE(put(with_policy("d.hostile.example")));
  EXPECT_THAT(listed(), ElementsAre("a.hostile.example", "b.hostile.example", "d.hostile.example"));
}

// A round in which a lock was not to be had in time says nothing: on a busy machine another one does.
TEST_F(LedgerTest, M7ProcessesThatSaveAtTheSameTimeKeepEachOthersNames) {
  constexpr int kNames = 100;
  enum Admitted : int { kAll, kLate, kNotAll };
  const auto admit_all = [this](const std::string& below) {
    StoreQuota quota(scratch_.path(), rules_, registrable_domain, log_);
    for (int i = 0; i < kNames; ++i) {
      const auto begin = std::chrono::steady_clock::now();
      if (!quota.admit(without_policy("n" + std::to_string(i) + below))) return kNotAll;
      if (std::chrono::steady_clock::now() - begin >= GroupLedger::kLockTimeout) return kLate;
    }
    return kAll;
  };
  for (int round = 0; round < 10; ++round) {
    const std::string domain = "hostile" + std::to_string(round) + ".example";
    const pid_t child = ::fork();
    if (child == 0) ::_exit(admit_all(".a." + domain));
    const Admitted ours = admit_all(".b." + domain);
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    const int theirs = WEXITSTATUS(status);
    ASSERT_NE(ours, kNotAll);
    ASSERT_NE(theirs, kNotAll);
    if (ours == kLate || theirs == kLate) continue;
    EXPECT_EQ(listed(domain).size(), 2U * kNames);
    return;
  }
  GTEST_SKIP() << "the machine is too busy: a lock was not to be had in time in any of ten rounds";
}

TEST_F(LedgerTest, AProcessThatStandsStillHoldsUpNobodyForLong) {
  const GroupLedger held(scratch_.path(), "hostile.example");
  ASSERT_TRUE(put(with_policy("a.hostile.example")));
  EXPECT_TRUE(has("a.hostile.example"));
}

TEST_F(LedgerTest, M7ANameThatTheLedgerHasLostComesBackWithItsRefresh) {
  ASSERT_TRUE(put(with_policy("a.hostile.example")));
  fs::remove(file(".of-hostile.example"));
  ASSERT_TRUE(put(with_policy("b.hostile.example")));
  ASSERT_TRUE(put(with_policy("a.hostile.example")));
  EXPECT_THAT(listed(), ElementsAre("a.hostile.example", "b.hostile.example"));
}

// The sweep removes ledgers of names that are all gone.
TEST_F(LedgerTest, WhatCannotBeReadIsNoLedgerWithoutNames) {
  ASSERT_TRUE(put(with_policy("a.hostile.example")));
  const Descriptor to_write(::open(file(".of-hostile.example").c_str(), O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(to_write);
  EXPECT_FALSE(GroupLedger::read(to_write.get()));
}

}  // namespace
}  // namespace mtasts
