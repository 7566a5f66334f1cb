// M7: what strangers make us look up stays within its limits, and pushes nobody else's policy out.
#include "module/store/quota.h"

#include <gmock/gmock.h>

#include <memory>

#include "tests/unit/module/file_size_limit.h"
#include "tests/unit/module/store/store_quota_fixture.h"

namespace mtasts {
namespace {

using std::chrono::hours;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST_F(StoreQuotaTest, M7HostileNamesOfOneDomainStayWithinItsShare) {
  rules_ = QuotaRules{};
  rules_.entries_per_domain = 10;
  for (int i = 0; i < 60; ++i) EXPECT_TRUE(put(with_policy("n" + std::to_string(i) + ".hostile.example", 60'000)));
  EXPECT_LE(count(), 10U);
  EXPECT_TRUE(has("n59.hostile.example")) << "its own oldest went";
  rules_.bytes = 256 * 200'000;
  for (int i = 0; i < 60; ++i) put(with_policy("n" + std::to_string(i) + ".other.example", 60'000));
  EXPECT_LE(bytes(), 10 * 65'536U + 200'000U + 65'536U);
  EXPECT_THAT(log_.lines, IsEmpty()) << "a stranger fills no log";
}

// Of more names than are looked at together. An eighth makes room at once.
TEST_F(StoreQuotaTest, M7OfTheNamesOfOneDomainTheLeastRecentlyUsedGo) {
  rules_ = QuotaRules{};
  rules_.entries_per_domain = 40;
  const auto name = [](int number) { return "n" + std::to_string(number) + ".hostile.example"; };
  const auto is_old = [](int number) { return number >= 4 && number <= 9; };  // the last ones in the order of names
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(put(with_policy(name(i))));
    set_used(name(i), hours(is_old(i) ? 50 : 2));
  }
  ASSERT_TRUE(put(with_policy("new.hostile.example")));
  for (int i = 0; i < 40; ++i) EXPECT_EQ(has(name(i)), !is_old(i)) << i;
}

TEST_F(StoreQuotaTest, M7TheLedgersOfManyDomainsCountToo) {
  constexpr int kMany = 300;
  rules_.entries = 100;
  put_absences("d", kMany);
  EXPECT_LE(usage().entries, 100);
  rules_ = QuotaRules{};
  rules_.bytes = 100 * 4096;
  put_absences("e", kMany);
  EXPECT_LE(usage().bytes, 100 * 4096);
  EXPECT_TRUE(put(with_policy("partner.example"))) << "what strangers had looked up makes room";
  EXPECT_LE(usage().bytes, 100 * 4096);
  EXPECT_THAT(log_.lines, IsEmpty());
}

TEST_F(StoreQuotaTest, M7WhatIsNotSavedLeavesNoLedger) {
  ASSERT_TRUE(put(with_policy("a.hostile.test")));
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(put(with_policy("d" + std::to_string(i) + ".example")));
  for (int i = 0; i < 9; ++i) EXPECT_FALSE(put(with_policy("a.e" + std::to_string(i) + ".test")));
  EXPECT_EQ(usage().entries, 8) << "seven policies and a ledger";
}

TEST_F(StoreQuotaTest, M7AnEntryThatGrowsIsCountedAsItIsAfterwards) {
  rules_ = QuotaRules{};
  rules_.bytes = 256 * 200'000;
  for (int i = 0; i < 40; ++i) {
    const std::string name = "n" + std::to_string(i) + ".hostile.example";
    ASSERT_TRUE(put(with_policy(name)));
    put(with_policy(name, 60'000));
  }
  EXPECT_LE(bytes(), 200'000U + 65'536U);
}

// A disk error, or who writes into the store by hand: 1 TiB that takes no space.
TEST_F(StoreQuotaTest, AGiantFileInAnEntrysPlaceDoesNotFillTheStore) {
  ASSERT_TRUE(put(with_policy("broken.example")));
  fs::resize_file(file("broken.example"), std::uintmax_t{1} << 40);
  EXPECT_TRUE(store_.for_each([](const CacheEntry&, WallTime) {}));                          // counts what is there
  const auto looked_up = store_.claim(domain("broken.example"), PolicyStore::Slot::kFirst);  // so it cannot be removed
  EXPECT_TRUE(put(with_policy("other.example")));
  EXPECT_TRUE(has("other.example"));
}

// Calls back when a damaged entry is told of.
class ReplacingLog final : public Log {
 public:
  explicit ReplacingLog(std::function<void()> replace) : replace_(std::move(replace)) {}

 private:
  void emit(LogLevel /*level*/, const std::string& line) override {
    if (line.find("event=store-entry-damaged") != std::string::npos) replace_();
  }
  std::function<void()> replace_;
};

// Between the look at an entry and its removal another process may save a policy in its place.
TEST_F(StoreQuotaTest, R17APolicyThatTookADamagedEntrysPlaceMeanwhileStays) {
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(put(with_policy("used" + std::to_string(i) + ".example")));
  std::ofstream(file("used0.example")) << "damaged";
  ReplacingLog log([&] { ASSERT_TRUE(store_.put(with_policy("used0.example"))); });
  StoreQuota quota(scratch_.path(), rules_, registrable_domain, log);
  EXPECT_FALSE(quota.admit(with_policy("new.example"))) << "all are in use";
  EXPECT_TRUE(store_.get(domain("used0.example")).value());
}

// What is not worth keeping replaces nothing that may be needed again, however long it was not used.
TEST_F(StoreQuotaTest, M7ADomainWithoutAPolicyReplacesNoPolicy) {
  for (int i = 0; i < 8; ++i) {
    const std::string name = "old" + std::to_string(i) + ".example";
    ASSERT_TRUE(put(with_policy(name)));
    set_times(name, hours(20 * 24), hours(20 * 24));
  }
  EXPECT_FALSE(put(without_policy("new.example")));
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(has("old" + std::to_string(i) + ".example"));
}

TEST_F(StoreQuotaTest, M7TheLeastRecentlyUsedGoesFirstAndNeverWhatIsInUse) {
  ASSERT_TRUE(put(with_policy("partner.example")));
  for (int i = 0; i < 7; ++i) {
    ASSERT_TRUE(put(without_policy("d" + std::to_string(i) + ".example")));
    set_used("d" + std::to_string(i) + ".example", hours(10 + (i == 3 ? 100 : 0)));
  }
  set_used("partner.example", hours(140));
  set_times("partner.example", hours(300), hours(140));
  ASSERT_TRUE(put(without_policy("new.example")));
  EXPECT_FALSE(has("d3.example"));
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(put(with_policy("f" + std::to_string(i) + ".example")) || i >= 7) << i;
  EXPECT_TRUE(has("partner.example")) << "a policy that mail used on several days";
  EXPECT_LE(count(), 8U);
}

TEST_F(StoreQuotaTest, M7AFullStoreKeepsWhatItHasAndSaysSoOnceAnHour) {
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(put(with_policy("d" + std::to_string(i) + ".example")));
  for (int i = 0; i < 20; ++i) {
    const auto refused = put(with_policy("f" + std::to_string(i) + ".example"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kStoreUnavailable);
    EXPECT_FALSE(put(without_policy("g" + std::to_string(i) + ".example"))) << "no policy makes room for an absence";
  }
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(has("d" + std::to_string(i) + ".example")) << i;
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("warning event=store-full")));
  EXPECT_TRUE(put(with_policy("d3.example"))) << "what is cached is refreshed all the same";
}

// Zones that fill the store within a week keep nobody out: the largest gives way, down to eight times the newcomer's.
TEST_F(StoreQuotaTest, M7InAFullStoreTheLargestZoneGivesWay) {
  rules_.entries = 17;  // and the ledger
  for (int i = 0; i < 12; ++i) ASSERT_TRUE(put(with_policy("n" + std::to_string(i) + ".hostile.example")));
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(put(with_policy("d" + std::to_string(i) + ".example")));
  set_used("n5.hostile.example", hours(10));
  set_times("n7.hostile.example", hours(300), hours(140));  // in use
  set_used("d1.example", hours(20));
  EXPECT_FALSE(put(without_policy("absent.example")));
  EXPECT_TRUE(put(with_policy("new0.example")));
  EXPECT_FALSE(has("n5.hostile.example")) << "the least recently used of the zone";
  for (int i = 1; i < 5; ++i) EXPECT_TRUE(put(with_policy("new" + std::to_string(i) + ".example"))) << i;
  EXPECT_FALSE(put(with_policy("new5.example"))) << "seven names are not many times as much as one";
  EXPECT_TRUE(has("n7.hostile.example")) << "mail was sent to it on several days";
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(has("d" + std::to_string(i) + ".example")) << i;
  EXPECT_EQ(count(), 16U);
}

TEST_F(StoreQuotaTest, M7APolicyThatIsNotUsedAnyMoreMakesRoom) {
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(put(with_policy("d" + std::to_string(i) + ".example")));
  set_times("d1.example", hours(8 * 24), hours(8 * 24));  // used once
  set_times("d2.example", hours(60 * 24), hours(29 * 24));
  ASSERT_TRUE(put(with_policy("new1.example")));
  EXPECT_FALSE(has("d1.example"));
  EXPECT_FALSE(put(with_policy("new2.example")));
  set_times("d2.example", hours(61 * 24), hours(31 * 24));  // cache.forget_s
  EXPECT_TRUE(put(with_policy("new2.example")));
  EXPECT_FALSE(has("d2.example"));
}

TEST_F(StoreQuotaTest, M7AnExpiredPolicyMakesRoom) {
  for (int i = 0; i < 7; ++i) ASSERT_TRUE(put(with_policy("d" + std::to_string(i) + ".example")));
  CacheEntry expired = with_policy("old.example", 0, hours(1));
  expired.policy->fetched = now() - hours(2);
  ASSERT_TRUE(put(expired));
  EXPECT_TRUE(put(with_policy("new.example")));
  EXPECT_FALSE(has("old.example"));
}

TEST_F(StoreQuotaTest, M7TheBytesOfTheWholeStoreAreBounded) {
  rules_.entries = 1000;
  rules_.bytes = 20 * 4096;
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(put(with_policy("d" + std::to_string(i) + ".example")));
  EXPECT_FALSE(put(with_policy("new.example")));
  EXPECT_TRUE(put(without_policy("empty.example"))) << "which takes no block";
  EXPECT_FALSE(put(with_policy("d3.example", 30'000))) << "none may grow at the others' cost";
  EXPECT_EQ(store_.get(domain("d3.example")).value()->policy->body.size(),
            with_policy("d3.example").policy->body.size());
}

TEST_F(StoreQuotaTest, AnEntryThatIsBeingLookedUpIsNotRemoved) {
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(put(without_policy("d" + std::to_string(i) + ".example")));
  for (int i = 1; i < 8; ++i) set_used("d" + std::to_string(i) + ".example", hours(1));
  set_used("d0.example", hours(50));
  const auto claim = store_.claim(domain("d0.example"), PolicyStore::Slot::kFirst);
  ASSERT_TRUE(put(without_policy("new.example")));
  EXPECT_TRUE(has("d0.example"));
  EXPECT_EQ(count(), 8U);
}

TEST_F(StoreQuotaTest, EntriesRemovedByHandOrByTheSweepLeaveTheirRoom) {
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(put(with_policy("d" + std::to_string(i) + ".example")));
  fs::remove(file("d5.example"));
  fs::remove(file("d6.example"));
  bool kept = false;
  for (int i = 0; i < 40 && !kept; ++i) kept = put(with_policy("new.example")).has_value();
  EXPECT_TRUE(kept) << "found out by looking";
  ASSERT_TRUE(store_.remove(domain("d1.example")));
  ASSERT_TRUE(store_.for_each([](const CacheEntry&, WallTime) {}));
  EXPECT_TRUE(put(with_policy("new2.example"))) << "counted by the sweep";
  ASSERT_TRUE(store_.remove_all());
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(put(with_policy("e" + std::to_string(i) + ".example")));
}

TEST_F(StoreQuotaTest, WhatWasThereBeforeAnythingWasCountedCountsAfterTheSweep) {
  for (int i = 0; i < 12; ++i) ASSERT_TRUE(store_.put(with_policy("d" + std::to_string(i) + ".example")));
  ASSERT_TRUE(store_.for_each([](const CacheEntry&, WallTime) {}));
  EXPECT_FALSE(put(with_policy("new.example")));
  for (int i = 0; i < 12; ++i) set_times("d" + std::to_string(i) + ".example", hours(800), hours(800));
  EXPECT_TRUE(put(with_policy("new.example"))) << "limits that were lowered, and room is made";
  EXPECT_LE(count(), 8U);
}

TEST_F(StoreQuotaTest, ADamagedLedgerOrCountIsNoObstacle) {
  ASSERT_TRUE(put(with_policy("a.hostile.example")));
  for (const char* name : {".of-hostile.example", ".usage"}) {
    const int noise = ::open(file(name).c_str(), O_WRONLY | O_TRUNC);
    ASSERT_EQ(::write(noise, "no\nledger -1\n 7\n\xff\n", 19), 19);
    ::close(noise);
  }
  EXPECT_TRUE(put(with_policy("b.hostile.example")));
}

// R17, R20: what was fetched is applied although it cannot be saved.
TEST_F(StoreQuotaTest, APolicyThatIsNotSavedIsKeptByTheProcess) {
  rules_.entries = 0;
  StoreQuota quota(scratch_.path(), rules_, registrable_domain, log_);
  WritingStore store(store_, quota);
  const CacheEntry entry = with_policy("example.com");
  EXPECT_FALSE(store.put(entry));
  EXPECT_FALSE(has("example.com"));
  EXPECT_EQ(store.get(domain("example.com")).value(), entry);
  CacheEntry newer = entry;
  newer.policy->fetched += std::chrono::seconds(5);
  ASSERT_TRUE(store_.put(newer)) << "another process could";
  EXPECT_EQ(store.get(domain("example.com")).value(), newer);
}

TEST_F(StoreQuotaTest, WhatTheProcessKeepsIsBounded) {
  UnsavedEntries unsaved(100'000, registrable_domain);
  for (int i = 0; i < 50; ++i) unsaved.put(with_policy("d" + std::to_string(i) + ".example", 10'000));
  int kept = 0;
  for (int i = 0; i < 50; ++i) kept += unsaved.find(domain("d" + std::to_string(i) + ".example")) != nullptr ? 1 : 0;
  EXPECT_GT(kept, 2);
  EXPECT_LT(kept, 6);
  EXPECT_NE(unsaved.find(domain("d49.example")), nullptr);
  unsaved.put(without_policy("d49.example"));
  ASSERT_NE(unsaved.find(domain("d49.example")), nullptr);
  EXPECT_FALSE(unsaved.find(domain("d49.example"))->policy);
}

TEST_F(StoreQuotaTest, M7WhatStrangersSayCountsInMemory) {
  UnsavedEntries unsaved(100'000, registrable_domain);
  int kept = 0;
  for (int i = 0; i < 50; ++i) {
    CacheEntry entry = without_policy("d" + std::to_string(i) + ".example");
    entry.failure.emplace().error.detail = std::string(10'000, 'x');
    unsaved.put(entry);
  }
  for (int i = 0; i < 50; ++i) kept += unsaved.find(domain("d" + std::to_string(i) + ".example")) != nullptr ? 1 : 0;
  EXPECT_EQ(kept, 9);
}

TEST_F(StoreQuotaTest, M7WhatHasNoPolicyTakesNoPolicysPlaceInMemory) {
  UnsavedEntries unsaved(100'000, registrable_domain);
  unsaved.put(with_policy("policy.example", 10'000));
  for (int i = 0; i < 200; ++i) unsaved.put(without_policy("d" + std::to_string(i) + ".example"));
  EXPECT_NE(unsaved.find(domain("policy.example")), nullptr);
  EXPECT_EQ(unsaved.find(domain("d0.example")), nullptr) << "the oldest went";
  EXPECT_NE(unsaved.find(domain("d199.example")), nullptr);
}

TEST_F(StoreQuotaTest, M7R17StrangersFillThePlacesOfStrangersInMemory) {
  UnsavedEntries unsaved(100'000, registrable_domain);
  unsaved.put(with_policy("partner.example"));
  for (int i = 0; i < 200; ++i) unsaved.put(with_policy("d" + std::to_string(i) + ".hostile.example"));
  for (int i = 0; i < 50; ++i) unsaved.put(with_policy("big" + std::to_string(i) + ".example", 10'000));
  EXPECT_NE(unsaved.find(domain("partner.example")), nullptr);
  EXPECT_NE(unsaved.find(domain("big49.example")), nullptr) << "the newest stays";
  EXPECT_EQ(unsaved.find(domain("d0.hostile.example")), nullptr);
}

// What is known only of a process that cannot save it does not hide what another process has saved since.
TEST_F(StoreQuotaTest, R17APolicyThatAnotherProcessSavedReplacesAnAbsenceInMemory) {
  rules_.entries = 0;
  StoreQuota quota(scratch_.path(), rules_, registrable_domain, log_);
  WritingStore store(store_, quota);
  EXPECT_FALSE(store.put(without_policy("example.com")));
  EXPECT_EQ(store.get(domain("example.com")).value(), without_policy("example.com"));
  const CacheEntry saved = with_policy("example.com");
  ASSERT_TRUE(store_.put(saved));
  EXPECT_EQ(store.get(domain("example.com")).value(), saved);
}

}  // namespace
}  // namespace mtasts
