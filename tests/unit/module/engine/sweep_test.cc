#include "module/engine/sweep.h"
#include "module/engine/engine.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "module/client.h"
#include "module/io/wall_clock.h"
#include "module/store/clock_watch.h"
#include "module/store/files.h"
#include "tests/unit/module/fakes.h"
#include "tests/unit/module/scratch.h"

namespace mtasts {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

std::string policy_text(const std::string& name) {
  return "version: STSv1\nmode: enforce\nmx: mx." + name + "\nmax_age: 604800\n";
}

// Rounds over a real store; the network answers when told.
class SweepTest : public ::testing::Test {
 protected:
  static Domain domain(const std::string& name) { return *Domain::parse(name); }

  void cache(const std::string& name, seconds age, seconds unused = seconds(0)) {
    CacheEntry entry{domain(name), {RecordMemory::State::kFound, now_ + hours(1), "1", {}}, {}, {}};
    const std::string body = policy_text(name);
    entry.policy = StoredPolicy{"1", now_ - age, body, *parse_policy(body)};
    put(entry, unused);
  }
  std::filesystem::path place_of(const std::string& name) {
    for (const auto& item : std::filesystem::recursive_directory_iterator(scratch_.path())) {
      if (item.path().filename() == name) return item.path();
    }
    return {};
  }
  void mark_used(const std::string& name, seconds ago) {
    const std::array<timespec, 2> times{timespec{(now_ - ago).time_since_epoch().count(), 0}, timespec{0, UTIME_OMIT}};
    ASSERT_EQ(::utimensat(AT_FDCWD, place_of(name).c_str(), times.data(), 0), 0);
  }
  void put(const CacheEntry& entry, seconds unused) {
    ASSERT_TRUE(store_.put(entry));
    mark_used(entry.domain.text(), unused);
  }
  void cache_damaged(const std::string& name, seconds unused) {
    cache(name, hours(1));
    std::ofstream(place_of(name)) << "noise";
    mark_used(name, unused);
  }
  // As rounds of the last week would have left it.
  void keep_a_steady_clock() {
    for (int day = 7; day > 0; --day) ClockWatch(scratch_.path()).is_steady(now_ - hours(24 * day));
  }
  Sweep make(unsigned at_once = 20) {
    const auto progress = [this](std::size_t answered, std::size_t all) { progress_.emplace_back(answered, all); };
    return Sweep({loop_, engine_, store_, [this] { return now_; }, progress}, SweepRules{}, seconds(90), at_once);
  }
  void run(Sweep& round) {
    round.run([this](const SweepSummary& summary) { done_.push_back(summary); });
    loop_.advance(milliseconds(1));
  }
  // The names asked for so far, in order.
  std::vector<std::string> asked() {
    std::vector<std::string> names;
    for (const auto& [name, done] : resolver_.txts) names.push_back(name.substr(std::string("_mta-sts.").size()));
    return names;
  }
  void answer(std::size_t index) {
    const std::string name = asked()[index];
    resolver_.txts[index].second(FakeResolver::found({"v=STSv1; id=2;"}));
    resolver_.hosts.back().second(FakeResolver::found({"192.0.2.1"}));
    fetcher_.fetches.back().done(policy_text(name));
    loop_.advance(milliseconds(1));
  }

  Scratch scratch_;
  FakeLoop loop_;
  FakeResolver resolver_;
  FakeFetcher fetcher_;
  FakeLog log_;
  FileStore store_{scratch_.path(), log_};
  WallTime now_ = now();
  Engine engine_{loop_, resolver_, fetcher_, store_, log_, LookupRules{}, [this] { return now_; }};
  std::vector<SweepSummary> done_;
  std::vector<std::pair<std::size_t, std::size_t>> progress_;
};

TEST_F(SweepTest, TellsHowManyLookupsAreAnswered) {
  cache("a.example", hours(30));
  cache("b.example", hours(30));
  cache("fresh.example", hours(1));
  auto round = make(1);
  run(round);
  ASSERT_THAT(progress_, ElementsAre(Pair(0U, 2U)));
  answer(0);
  answer(1);
  EXPECT_THAT(progress_, ElementsAre(Pair(0U, 2U), Pair(1U, 2U), Pair(2U, 2U)));
}

TEST_F(SweepTest, R21FetchesWhatIsDueAndSaysSoInOneLine) {
  cache("due.example", hours(30));
  cache("fresh.example", hours(1));
  auto round = make();
  run(round);
  ASSERT_THAT(asked(), ElementsAre("due.example"));
  EXPECT_THAT(done_, IsEmpty());
  answer(0);
  ASSERT_EQ(done_.size(), 1U);
  EXPECT_EQ(summary_line(done_[0]), "refreshed 1 of 1 policy due, 2 in force, 0 forgotten");
  EXPECT_THAT(done_[0].failures, IsEmpty());
  EXPECT_EQ(store_.get(domain("due.example")).value()->policy->fetched, now_);
}

// Notes after each step how many lines the log has.
class SteppingLoop final : public FakeLoop {
 public:
  explicit SteppingLoop(const FakeLog& log) : log_(log) {}
  std::unique_ptr<Watch> after(milliseconds delay, std::function<void()> due) override {
    return FakeLoop::after(delay, [this, due = std::move(due)] {
      const std::size_t before = log_.lines.size();
      due();
      most = std::max(most, log_.lines.size() - before);
    });
  }
  std::size_t most = 0;

 private:
  const FakeLog& log_;
};

// A cold disk takes milliseconds for each; those who ask for what is cached wait meanwhile. Each damaged entry is told
// of as it is read.
TEST_F(SweepTest, AStepOfARoundReadsFewEntries) {
  constexpr std::size_t kMany = 100;
  cache("d0.example", hours(1));
  const std::filesystem::path shard = place_of("d0.example").parent_path();
  for (std::size_t number = 0, made = 0; made < kMany; ++number) {
    const std::string name = "d" + std::to_string(number) + ".example";
    if (shard_of(name) != shard.filename()) continue;
    std::ofstream(shard / name) << "noise";
    ++made;
  }
  SteppingLoop loop(log_);
  Sweep round({loop, engine_, store_, [this] { return now_; }}, SweepRules{}, seconds(90), 0);
  round.run([](const SweepSummary&) {});
  loop.advance(milliseconds(1));
  EXPECT_EQ(log_.lines.size(), kMany);
  EXPECT_LE(loop.most, 32U);
}

TEST_F(SweepTest, TheLastUsedComesFirstAndNotAllAtOnce) {
  cache("seldom.example", hours(30), hours(200));
  cache("often.example", hours(30), hours(1));
  cache("sometimes.example", hours(30), hours(50));
  auto round = make(2);
  run(round);
  EXPECT_THAT(asked(), ElementsAre("often.example", "sometimes.example"));
  answer(0);
  EXPECT_THAT(asked(), ElementsAre("often.example", "sometimes.example", "seldom.example"));
}

TEST_F(SweepTest, LetsGoWhatIsOfNoUse) {
  put({domain("absent.example"), {RecordMemory::State::kAbsent, now_ - hours(30), {}, {}}, {}, {}}, seconds(0));
  put({domain("asked.example"), {RecordMemory::State::kAbsent, now_ - hours(1), {}, {}}, {}, {}}, seconds(0));
  cache("forgotten.example", hours(24 * 40), hours(24 * 31));
  keep_a_steady_clock();
  auto round = make();
  run(round);
  ASSERT_EQ(done_.size(), 1U);
  EXPECT_EQ(done_[0].forgotten, 2U);
  EXPECT_FALSE(store_.get(domain("absent.example")).value());
  EXPECT_TRUE(store_.get(domain("asked.example")).value());
  EXPECT_FALSE(store_.get(domain("forgotten.example")).value());
}

// By that clock the policy has run out and was not used for a year; by the right one it is in force.
TEST_F(SweepTest, R17AClockThatHasJustLeaptLetsNoPolicyGo) {
  cache("week.example", hours(1));
  keep_a_steady_clock();
  const auto round_at = [this](hours offset) {
    now_ += offset;
    auto round = make();
    run(round);
    now_ -= offset;
  };
  round_at(hours(0));
  round_at(hours(24 * 365));
  round_at(hours(24 * 365 + 1));
  ASSERT_TRUE(store_.get(domain("week.example")).value());
  EXPECT_NE(store_.get(domain("week.example")).value()->policy_in_force(now_), nullptr);
  round_at(hours(1));
  round_at(hours(-24 * 365));
  EXPECT_TRUE(store_.get(domain("week.example")).value());
}

// Nobody knows yet whether it is right.
TEST_F(SweepTest, R17TheFirstRoundLetsNoPolicyGo) {
  cache("forgotten.example", hours(24 * 40), hours(24 * 31));
  auto round = make();
  run(round);
  EXPECT_EQ(done_[0].forgotten, 0U);
  EXPECT_TRUE(store_.get(domain("forgotten.example")).value());
}

TEST_F(SweepTest, AClockThatKeepsItsWordForAWeekLetsGo) {
  cache("week.example", hours(1));
  const auto forgotten_at = [this](hours offset) {
    now_ += offset;
    auto round = make();
    run(round);
    now_ -= offset;
    return done_.back().forgotten;
  };
  forgotten_at(hours(0));
  const hours leap(24 * 365);
  for (hours passed(0); passed < hours(7 * 24); passed += hours(24)) EXPECT_EQ(forgotten_at(leap + passed), 0U);
  EXPECT_EQ(forgotten_at(leap + hours(7 * 24)), 1U);
}

TEST_F(SweepTest, LeavesAloneWhatAnotherProcessIsLookingUp) {
  put({domain("absent.example"), {RecordMemory::State::kAbsent, now_ - hours(30), {}, {}}, {}, {}}, seconds(0));
  FileStore other(scratch_.path(), log_);
  for (const auto turn : {PolicyStore::Slot::kFirst, PolicyStore::Slot::kSecond}) {
    const auto claim = other.claim(domain("absent.example"), turn);
    auto round = make();
    run(round);
    EXPECT_TRUE(store_.get(domain("absent.example")).value());
  }
}

// It may have held a policy that somebody relies on.
TEST_F(SweepTest, R17WhatIsDamagedIsLookedUpAgainBeforeAnybodyAsks) {
  cache_damaged("damaged.example", hours(24 * 29));
  keep_a_steady_clock();
  auto round = make();
  run(round);
  ASSERT_THAT(asked(), ElementsAre("damaged.example"));
  answer(0);
  ASSERT_EQ(done_.size(), 1U);
  EXPECT_EQ(summary_line(done_[0]),
            "refreshed 0 of 0 policies due, 0 in force, 0 forgotten, 1 damaged entry looked up again");
  EXPECT_THAT(done_[0].failures, IsEmpty());
  ASSERT_TRUE(store_.get(domain("damaged.example")).value());
  EXPECT_NE(store_.get(domain("damaged.example")).value()->policy_in_force(now_), nullptr);
}

TEST_F(SweepTest, ADamagedEntryOfADomainWithoutARecordIsNoFailure) {
  cache_damaged("damaged.example", hours(1));
  auto round = make();
  run(round);
  resolver_.txts.back().second(DnsAnswer<std::string>{});
  loop_.advance(milliseconds(1));
  ASSERT_EQ(done_.size(), 1U);
  EXPECT_THAT(done_[0].failures, IsEmpty());
  EXPECT_TRUE(store_.get(domain("damaged.example")).value()) << "known to have none";
}

TEST_F(SweepTest, WhatIsDamagedAndCannotBeReplacedIsTold) {
  cache_damaged("damaged.example", hours(1));
  const std::filesystem::path place = place_of("damaged.example");
  std::filesystem::remove(place);
  std::filesystem::create_directories(place / "somebody's");
  auto round = make();
  run(round);
  answer(0);
  ASSERT_EQ(done_.size(), 1U);
  ASSERT_EQ(done_[0].failures.size(), 1U);
  EXPECT_EQ(done_[0].failures[0].why, "what is cached of it is damaged and could not be replaced");
}

TEST_F(SweepTest, WhatIsDamagedGoesWhenNobodyUsedItForLong) {
  cache_damaged("forgotten.example", hours(24 * 31));
  keep_a_steady_clock();
  auto round = make();
  run(round);
  ASSERT_EQ(done_.size(), 1U);
  EXPECT_EQ(done_[0].forgotten, 1U);
  EXPECT_THAT(asked(), IsEmpty());
  EXPECT_TRUE(place_of("forgotten.example").empty());
}

// By a clock that is a year ahead nothing was used for a year.
TEST_F(SweepTest, WhatIsDamagedStaysWhileTheClockMayBeWrong) {
  cache_damaged("forgotten.example", hours(24 * 31));
  auto round = make();
  run(round);
  EXPECT_EQ(done_[0].forgotten, 0U);
  EXPECT_FALSE(place_of("forgotten.example").empty());
}

TEST_F(SweepTest, R21TellsOfAFailureOnceADay) {
  cache("broken.example", hours(30));
  for (int i = 0; i < 2; ++i) {
    auto round = make();
    run(round);
    resolver_.txts.back().second(fail(ErrorCode::kDnsTimeout, "no answer"));
    resolver_.hosts.back().second(fail(ErrorCode::kDnsTimeout, "no answer"));
    loop_.advance(milliseconds(1));
    now_ += hours(1);
  }
  ASSERT_EQ(done_.size(), 2U);
  ASSERT_EQ(done_[0].failures.size(), 1U);
  EXPECT_EQ(done_[0].failures[0].domain.text(), "broken.example");
  EXPECT_THAT(done_[0].failures[0].why, HasSubstr("no answer"));
  EXPECT_EQ(done_[0].refreshed, 0U);
  EXPECT_THAT(done_[1].failures, IsEmpty());
  EXPECT_EQ(done_[1].due, 1U);
}

// Days of a blocked record: every round fetches what is due, and no policy expires.
TEST_F(SweepTest, R17APolicyWhoseRecordIsDeniedIsRefreshedRoundAfterRound) {
  const Result<DnsAnswer<std::string>> kNoRecord[] = {
      fail(ErrorCode::kDnsFailure, "SERVFAIL"), fail(ErrorCode::kDnsTimeout, "no answer"), DnsAnswer<std::string>{},
      FakeResolver::found({"v=STSv1; id=2;", "v=STSv1; id=3;"})};
  cache("denied.example", hours(24));
  for (int day = 0; day < 20; ++day, now_ += hours(24)) {
    mark_used("denied.example", seconds(0));
    auto round = make();
    run(round);
    ASSERT_THAT(asked(), ElementsAre("denied.example"));
    resolver_.txts.back().second(kNoRecord[day % 4]);
    ASSERT_EQ(resolver_.hosts.size(), 1U) << day;
    resolver_.hosts.back().second(FakeResolver::found({"192.0.2.1"}));
    fetcher_.fetches.back().done(policy_text("denied.example"));
    loop_.advance(milliseconds(1));
    EXPECT_EQ(summary_line(done_.back()), "refreshed 1 of 1 policy due, 1 in force, 0 forgotten");
    EXPECT_THAT(done_.back().failures, IsEmpty());
    EXPECT_EQ(store_.get(domain("denied.example")).value()->policy->fetched, now_);
    resolver_.txts.clear();
    resolver_.hosts.clear();
    fetcher_.fetches.clear();
  }
}

TEST_F(SweepTest, ADomainThatLeftGoesWhenNobodyAskedForIt) {
  cache("left.example", hours(24 * 5), hours(24 * 31));
  keep_a_steady_clock();
  auto before = make();
  run(before);
  EXPECT_THAT(asked(), IsEmpty()) << "nobody asks for it: it is not refreshed";
  EXPECT_TRUE(store_.get(domain("left.example")).value()) << "R17: it is in force";
  now_ += hours(24 * 2);
  auto after = make();
  run(after);
  EXPECT_FALSE(store_.get(domain("left.example")).value());
}

TEST_F(SweepTest, R21TellsOfRecordAndPolicyHostWhenBothFail) {
  cache("left.example", hours(30));
  auto round = make();
  run(round);
  resolver_.txts.back().second(DnsAnswer<std::string>{});
  resolver_.hosts.back().second(DnsAnswer<std::string>{});
  loop_.advance(milliseconds(1));
  ASSERT_EQ(done_.size(), 1U);
  ASSERT_EQ(done_[0].failures.size(), 1U);
  EXPECT_EQ(done_[0].failures[0].why,
            "the domain has no MTA-STS record any more; sts-policy-fetch-error: mta-sts.left.example has no address");
}

TEST_F(SweepTest, TellsWhyAPolicyWasNotTriedToBeFetched) {
  cache("due.example", hours(30));
  auto round = make();
  run(round);
  resolver_.txts.back().second(FakeResolver::found({"v=STSv1; id=2;"}));
  resolver_.hosts.back().second(FakeResolver::found({"192.0.2.1"}));
  fetcher_.fetches.back().done(fail(ErrorCode::kNotTried, "too many fetches are under way"));
  loop_.advance(milliseconds(1));
  ASSERT_EQ(done_.size(), 1U);
  ASSERT_EQ(done_[0].failures.size(), 1U);
  EXPECT_EQ(done_[0].failures[0].why,
            "due.example has a record (id 2), but its policy could not be fetched from here: too many "
            "fetches are under way");
}

TEST_F(SweepTest, WhatCouldNotBeSavedWasNotRefreshed) {
  cache("due.example", hours(30));
  auto round = make();
  run(round);
  std::filesystem::remove_all(scratch_.path());
  answer(0);
  ASSERT_EQ(done_.size(), 1U);
  EXPECT_EQ(done_[0].refreshed, 0U);
}

TEST_F(SweepTest, ADomainThatIsNamedIsFetchedWhetherDueOrNot) {
  cache("fresh.example", hours(1));
  auto round = make();
  round.refresh({domain("fresh.example")}, [this](const SweepSummary& summary) { done_.push_back(summary); });
  loop_.advance(milliseconds(1));
  answer(0);
  ASSERT_EQ(done_.size(), 1U);
  EXPECT_EQ(summary_line(done_[0]), "refreshed 1 of 1 policy due, 1 in force, 0 forgotten");
}

TEST_F(SweepTest, R21ADomainThatIsNamedIsRefreshedWithoutARecord) {
  cache("denied.example", hours(1));
  auto round = make();
  round.refresh({domain("denied.example")}, [this](const SweepSummary& summary) { done_.push_back(summary); });
  loop_.advance(milliseconds(1));
  resolver_.txts.back().second(DnsAnswer<std::string>{});
  resolver_.hosts.back().second(FakeResolver::found({"192.0.2.1"}));
  fetcher_.fetches.back().done(fail(ErrorCode::kPolicyFetch, "HTTP status 404 instead of 200"));
  loop_.advance(milliseconds(1));
  ASSERT_EQ(done_.size(), 1U);
  EXPECT_EQ(done_[0].without_record, 0U);
  ASSERT_EQ(done_[0].failures.size(), 1U);
  EXPECT_THAT(done_[0].failures[0].why, HasSubstr("404"));
}

TEST_F(SweepTest, ADomainThatIsNamedAndHasNoRecordIsNoFailureToRefresh) {
  put({domain("absent.example"), {RecordMemory::State::kAbsent, now_ + hours(1), {}, {}}, {}, {}}, seconds(0));
  auto round = make();
  round.refresh({domain("absent.example")}, [this](const SweepSummary& summary) { done_.push_back(summary); });
  loop_.advance(milliseconds(1));
  resolver_.txts.back().second(DnsAnswer<std::string>{});
  loop_.advance(milliseconds(1));
  ASSERT_EQ(done_.size(), 1U);
  EXPECT_EQ(done_[0].without_record, 1U);
  EXPECT_THAT(done_[0].failures, IsEmpty());
}

TEST_F(SweepTest, SaysThatItHasNotSeenEverything) {
  cache("lost.example", hours(1));
  const std::filesystem::path shard = place_of("lost.example").parent_path();
  std::filesystem::remove_all(shard);
  std::ofstream(shard) << "no folder";
  auto round = make();
  run(round);
  ASSERT_EQ(done_.size(), 1U);
  ASSERT_TRUE(done_[0].unread);
  EXPECT_THAT(done_[0].unread->detail, HasSubstr("cannot list " + shard.string()));
}

// What was cached before the question is no answer to it.
TEST_F(SweepTest, ADomainThatCouldNotBeAskedForIsNotSaidToHaveNoRecord) {
  put({domain("absent.example"), {RecordMemory::State::kAbsent, now_ + hours(1), {}, {}}, {}, {}}, seconds(0));
  auto round = make();
  round.refresh({domain("absent.example")}, [this](const SweepSummary& summary) { done_.push_back(summary); });
  loop_.advance(milliseconds(1));
  resolver_.txts.back().second(fail(ErrorCode::kNotTried, "too many questions are under way"));
  loop_.advance(milliseconds(1));
  round.refresh({domain("absent.example")}, [this](const SweepSummary& summary) { done_.push_back(summary); });
  loop_.advance(seconds(91));
  ASSERT_EQ(done_.size(), 2U);
  for (const auto& [summary, why] : {std::pair(done_[0], "too many questions"), std::pair(done_[1], "in time")}) {
    EXPECT_EQ(summary.without_record, 0U) << why;
    ASSERT_EQ(summary.failures.size(), 1U) << why;
    EXPECT_THAT(summary.failures[0].why, HasSubstr(why));
  }
}

}  // namespace
}  // namespace mtasts
