// Store, helper and rounds of one configuration. The loop is a fake one, whose hours take no time: what the helper
// replies is never read, so a lookup ends at its deadline.
#include "module/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "module/reloadable_service.h"
#include "tests/unit/module/helper/copied_engines.h"
#include "tests/unit/module/store/store_test.h"

namespace mtasts {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using test::domain;
using ::testing::Contains;
using ::testing::HasSubstr;

CacheEntry due_policy() {
  CacheEntry entry = test::with_policy();
  entry.policy->fetched -= hours(30);
  return entry;
}

class ServiceTest : public ::testing::Test {
 protected:
  ServiceTest() {
    ::chmod(scratch_.path().c_str(), 0777);  // the helper may be another user
    test::copy_engines(MTASTS_TEST_SCRIPTED_ENGINE_DIR, engines_.path());
  }
  std::unique_ptr<Service> open() {
    Config config;
    config.engine_directory = engines_.path();
    config.helper_program = MTASTS_TEST_ENGINE_DIR "/mtasts-lookup";
    config.cache_directory = scratch_.path();
    config.user = "nobody";
    auto opened = Service::open(config, loop_, log_, LogTarget::kSyslog);
    EXPECT_TRUE(opened) << opened.error().detail;
    return opened ? std::move(*opened) : nullptr;
  }
  void begin_rounds(Service& service) {
    service.begin_rounds([this](const SweepSummary& summary) { rounds_.push_back(summary); });
  }
  void retire(Service& service) {
    service.retire([this] { ++idle_; });
    EXPECT_EQ(idle_, 0) << "never from inside the call";
    loop_.advance(milliseconds(1));
  }

  Scratch scratch_;
  Scratch engines_;
  FakeLoop loop_;
  FakeLog log_;
  std::vector<SweepSummary> rounds_;
  int idle_ = 0;
};

TEST_F(ServiceTest, WithoutAnEngineThereIsNone) {
  Config config;
  config.engine_directory = scratch_.path();
  config.helper_program = MTASTS_TEST_ENGINE_DIR "/mtasts-lookup";
  config.cache_directory = scratch_.path();
  config.user = "nobody";
  EXPECT_FALSE(Service::open(config, loop_, log_, LogTarget::kSyslog));
}

TEST_F(ServiceTest, R21TheFirstRoundComesWithinTenMinutesAndThenOneEachHour) {
  const auto service = open();
  ASSERT_TRUE(service);
  begin_rounds(*service);
  loop_.advance(minutes(1) - milliseconds(1));
  EXPECT_EQ(rounds_.size(), 0U);
  loop_.advance(minutes(9));
  EXPECT_EQ(rounds_.size(), 1U);
  loop_.advance(hours(1));
  EXPECT_EQ(rounds_.size(), 2U);
  loop_.advance(hours(5));
  EXPECT_EQ(rounds_.size(), 7U);
  EXPECT_THAT(log_.lines, Contains(HasSubstr("event=refresh-round")));
}

TEST_F(ServiceTest, R21APolicyThatCouldNotBeRefreshedIsNamedAndStaysInForce) {
  const auto service = open();
  ASSERT_TRUE(service);
  ASSERT_TRUE(service->store().put(due_policy()));
  begin_rounds(*service);
  loop_.advance(minutes(30));
  ASSERT_EQ(rounds_.size(), 1U);
  EXPECT_EQ(rounds_[0].due, 1U);
  EXPECT_EQ(rounds_[0].refreshed, 0U);
  EXPECT_THAT(log_.lines,
              Contains(testing::AllOf(HasSubstr("warning event=refresh-failed"), HasSubstr("domain=example.com"))));
  EXPECT_NE(service->store().get(domain()).value()->policy_in_force(now()), nullptr);
}

TEST_F(ServiceTest, WhatIsCachedIsAnsweredAndTheRestIsAskedOfTheHelper) {
  const auto service = open();
  ASSERT_TRUE(service);
  ASSERT_TRUE(service->store().put(test::with_policy()));
  std::vector<Outcome> outcomes;
  const auto keep = [&outcomes](const Outcome& outcome) { outcomes.push_back(outcome); };
  service->cached_lookups().lookup(domain(), Lookup::Effort::kNormal, seconds(5), keep);
  service->cached_lookups().lookup(domain("unknown.example"), Lookup::Effort::kNormal, seconds(5), keep);
  loop_.advance(milliseconds(1));
  ASSERT_EQ(outcomes.size(), 1U);
  EXPECT_TRUE(outcomes[0].from_cache);
  loop_.advance(seconds(8));
  ASSERT_EQ(outcomes.size(), 2U);
  EXPECT_EQ(outcomes[1].fault->code, ErrorCode::kNotTried);  // no answer was read
}

TEST_F(ServiceTest, RetiredItIsIdleOnceAndBeginsNoRound) {
  const auto service = open();
  ASSERT_TRUE(service);
  begin_rounds(*service);
  retire(*service);
  EXPECT_EQ(idle_, 1);
  loop_.advance(hours(3));
  EXPECT_EQ(rounds_.size(), 0U);
  EXPECT_EQ(idle_, 1);
}

TEST_F(ServiceTest, RetiredItAnswersWhatIsUnderWayBeforeItIsIdle) {
  const auto service = open();
  ASSERT_TRUE(service);
  int answered = 0;
  service->lookups().lookup(domain("slow.example"), Lookup::Effort::kNormal, seconds(5),
                            [&answered](const Outcome&) { ++answered; });
  retire(*service);
  EXPECT_EQ(idle_, 0);
  loop_.advance(seconds(8));
  EXPECT_EQ(answered, 1);
  EXPECT_EQ(idle_, 1);
}

TEST_F(ServiceTest, RetiredDuringARoundItBeginsNoOther) {
  const auto service = open();
  ASSERT_TRUE(service);
  service->begin_rounds([this, &service](const SweepSummary& summary) {
    rounds_.push_back(summary);
    service->retire([this] { ++idle_; });
    EXPECT_EQ(idle_, 0) << "the round has not ended yet";
  });
  loop_.advance(hours(3));
  EXPECT_EQ(rounds_.size(), 1U);
  EXPECT_EQ(idle_, 1);
}

// What a program keeps beside its service.
struct Instance : ServiceInstance {
  int* ended;
  Instance(std::unique_ptr<Service> of, int& counter) : ServiceInstance(std::move(of), nullptr), ended(&counter) {}
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;
  ~Instance() { ++*ended; }
};

TEST_F(ServiceTest, AReplacedOneGoesWhenNothingOfItIsUnderWay) {
  int ended = 0;
  int answered = 0;
  ReloadableService<Instance> current;
  EXPECT_FALSE(current);
  current.replace(std::make_unique<Instance>(open(), ended));
  ASSERT_TRUE(current);
  EXPECT_TRUE(current.follows_resolv_conf());
  current->service->lookups().lookup(domain("slow.example"), Lookup::Effort::kNormal, seconds(5),
                                     [&answered](const Outcome&) { ++answered; });
  current.replace(std::make_unique<Instance>(open(), ended));
  loop_.advance(seconds(1));
  EXPECT_EQ(ended, 0);
  loop_.advance(seconds(8));
  EXPECT_EQ(answered, 1);
  EXPECT_EQ(ended, 1);
}

TEST_F(ServiceTest, WhatAsksResolvConfIsReopenedWithItsConfiguration) {
  int ended = 0;
  bool opens = false;
  ReloadableService<Instance> current;
  const auto reopen = [&](const Config& in_force) -> Result<void> {
    EXPECT_EQ(in_force.cache_directory, scratch_.path());
    if (!opens) return fail(ErrorCode::kLocalFault, "not now");
    current.replace(std::make_unique<Instance>(open(), ended));
    return {};
  };
  EXPECT_TRUE(current.follow_resolv_conf(log_, reopen)) << "there is none yet";
  current.replace(std::make_unique<Instance>(open(), ended));
  EXPECT_FALSE(current.follow_resolv_conf(log_, reopen));
  opens = true;
  EXPECT_TRUE(current.follow_resolv_conf(log_, reopen));
  loop_.advance(milliseconds(1));
  EXPECT_EQ(ended, 1);
}

TEST(ResolversFollowed, WhatStandsAgainstItIsLoggedOnceForEachReason) {
  FakeLog log;
  ResolversFollowed resolvers;
  for (const char* fault : {"one", "one", "two"})
    EXPECT_FALSE(resolvers.note(log, fail(ErrorCode::kLocalFault, fault)));
  EXPECT_TRUE(resolvers.note(log, {}));
  EXPECT_FALSE(resolvers.note(log, fail(ErrorCode::kLocalFault, "two")));
  EXPECT_THAT(log.lines, testing::ElementsAre(HasSubstr("event=resolvers-kept detail=\"one\""), HasSubstr("\"two\""),
                                              HasSubstr("\"two\"")));
}

}  // namespace
}  // namespace mtasts
