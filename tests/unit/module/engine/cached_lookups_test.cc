#include "module/engine/cached_lookups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "core/decision.h"
#include "tests/unit/module/fakes.h"
#include "tests/unit/module/store/store_test.h"

namespace mtasts {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::domain;

// Keeps what it is asked for.
class AskedLookups final : public Lookups {
 public:
  void lookup(const Domain& domain, Lookup::Effort, milliseconds deadline, Answer) override {
    asked.emplace_back(domain.text(), deadline);
  }
  std::vector<std::pair<std::string, milliseconds>> asked;
};

class CachedLookupsTest : public test::StoreTest {
 protected:
  void ask(Lookup::Effort effort = Lookup::Effort::kNormal) {
    lookups_.lookup(domain(), effort, seconds(7), [this](const Outcome& outcome) { outcomes_.push_back(outcome); });
    EXPECT_TRUE(outcomes_.empty()) << "never from inside the call";
    loop_.advance(milliseconds(0));
  }
  WallTime now_ = now();
  FakeLoop loop_;
  AskedLookups behind_;
  CachedLookups lookups_{{loop_, store_, behind_, [this] { return now_; }}, LookupRules{}};
  std::vector<Outcome> outcomes_;
};

TEST_F(CachedLookupsTest, WhatIsCachedIsEnoughWhereNothingIsDue) {
  ASSERT_TRUE(store_.put(test::with_policy()));
  ask();
  ASSERT_EQ(outcomes_.size(), 1U);
  EXPECT_TRUE(outcomes_[0].from_cache);
  EXPECT_NE(outcomes_[0].entry.policy_in_force(now_), nullptr);
  EXPECT_TRUE(behind_.asked.empty());
}

// The helper cannot be started, for instance: a policy in force is applied, also where DANE would have to be asked.
TEST(OutcomeWithoutNetwork, R29GoesByTheLastFindingAboutDane) {
  FakeStore store;
  CacheEntry entry = test::with_policy();
  entry.dane = DaneMemory{DaneState::kNone, test::kNow - seconds(1), "no TLSA records"};
  store.entries.emplace(domain().text(), entry);
  const Error fault{ErrorCode::kLocalFault, "the helper is missing"};
  const auto outcome = outcome_without_network(store, domain(), fault, test::kNow);
  DecisionRules rules;
  rules.ask_dane = true;
  const Decision decision = decide(outcome, rules, test::kNow);
  EXPECT_FALSE(must_defer_for_dane(decision));
  EXPECT_THAT(decision.dane_reason, testing::HasSubstr("the helper is missing"));
}

TEST_F(CachedLookupsTest, TheRestIsLookedUpWithinTheDeadline) {
  ask();
  ASSERT_TRUE(store_.put(test::with_policy()));
  now_ += seconds(300);
  ask();
  ask(Lookup::Effort::kRefresh);
  EXPECT_TRUE(outcomes_.empty());
  EXPECT_THAT(behind_.asked, ::testing::ElementsAre(std::pair("example.com", milliseconds(7000)),
                                                    std::pair("example.com", milliseconds(7000)),
                                                    std::pair("example.com", milliseconds(7000))));
}

// The network could only tell what was fetched now, not what is stored.
TEST_F(CachedLookupsTest, WhatCannotBeReadIsNotLookedUp) {
  ASSERT_TRUE(store_.put(test::with_policy()));
  const auto shard = file().parent_path();
  std::filesystem::remove_all(shard);
  std::ofstream(shard) << "no folder";
  ask();
  ASSERT_EQ(outcomes_.size(), 1U);
  EXPECT_EQ(outcomes_[0].progress, Outcome::Progress::kNotTried);
  EXPECT_EQ(outcomes_[0].fault->code, ErrorCode::kLocalFault);
  EXPECT_TRUE(behind_.asked.empty());
}

TEST_F(CachedLookupsTest, AnswersDoNotGetInEachOthersWay) {
  ASSERT_TRUE(store_.put(test::with_policy()));
  for (int i = 0; i < 3; ++i)
    lookups_.lookup(domain(), Lookup::Effort::kNormal, seconds(7), [this](const Outcome& outcome) {
      outcomes_.push_back(outcome);
      if (outcomes_.size() == 1)
        lookups_.lookup(domain(), Lookup::Effort::kNormal, seconds(7),
                        [this](const Outcome& again) { outcomes_.push_back(again); });
    });
  loop_.advance(milliseconds(1));
  EXPECT_EQ(outcomes_.size(), 4U);
}

TEST_F(CachedLookupsTest, AnAnswerMayEndTheObject) {
  ASSERT_TRUE(store_.put(test::with_policy()));
  auto own = std::make_unique<CachedLookups>(CachedLookups::Deps{loop_, store_, behind_, [this] { return now_; }},
                                             LookupRules{});
  own->lookup(domain(), Lookup::Effort::kNormal, seconds(7), [&](const Outcome& outcome) {
    own.reset();
    outcomes_.push_back(outcome);
  });
  loop_.advance(milliseconds(1));
  EXPECT_EQ(outcomes_.size(), 1U);
}

}  // namespace
}  // namespace mtasts
