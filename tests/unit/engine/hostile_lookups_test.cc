// Strangers' lookups that take as long as they can, and an honest domain's first contact meanwhile (M2, M3): the real
// engine library, the hostile resolver of tests/lab/hostile_dns.py, and policy hosts that say nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <list>
#include <optional>
#include <string>

#include "core/decision.h"
#include "core/policy.h"
#include "module/engine/engine.h"
#include "module/helper/engine_library.h"
#include "module/io/wall_clock.h"
#include "tests/unit/fetch/silent_listener.h"
#include "tests/unit/module/fakes.h"
#include "tests/unit/module/lab_config.h"

namespace mtasts {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr seconds kDeadline{20};  // of a delivery
constexpr seconds kSoon{2};       // on a busy machine; alone it takes a few milliseconds

class HostileLookups : public testing::Test {
 protected:
  HostileLookups() {
    config_ = lab_config("/nonexistent");
    config_.network.dns.resolvers = {test::lab("HOSTILE_RESOLVER")};
    config_.network.dns.trust_ad = ResolverConfig::TrustAd::kAlways;
    config_.lookup.ask_dane = true;
    const auto library = EngineLibrary::load(helper_settings(config_, LogTarget::kSyslog)).value();
    network_ = library.open(config_.network).value();
    engine_ =
        std::make_unique<Engine>(loop(), network_->resolver(), network_->fetcher(), store_, log_, config_.lookup, now);
  }

  EventLoop& loop() { return network_->loop(); }
  void look_up(const std::string& domain) {
    engine_->lookup(*Domain::parse(domain), Lookup::Effort::kNormal, kDeadline, [](const Outcome&) {});
  }
  void cache_policy_of(const std::string& domain) {
    const std::string text = "version: STSv1\nmode: enforce\nmx: *.example.test\nmax_age: 604800\n";
    CacheEntry entry{*Domain::parse(domain), {RecordMemory::State::kFound, now() - seconds(1), "1", {}}, {}, {}};
    entry.policy = StoredPolicy{"1", now() - seconds(60), text, *parse_policy(text)};
    store_.entries.insert_or_assign(domain, entry);
  }
  // Each of a zone of its own, whose MX hosts have silent name servers.
  void strangers_ask_for_dane(int zones) {
    for (int i = 0; i < zones; ++i) {
      const std::string domain = "manymx.stranger" + std::to_string(i) + ".test";
      cache_policy_of(domain);
      look_up(domain);
    }
    let_pass(milliseconds{500});
  }
  // The strangers have begun by then.
  void let_pass(milliseconds time) {
    const auto end = loop().after(time, [this] { loop().stop(); });
    loop().run();
  }
  void expect_answer_for_good_test() {
    const auto begin = steady_clock::now();
    engine_->lookup(*Domain::parse("good.test"), Lookup::Effort::kNormal, kDeadline, [&](const Outcome& found) {
      outcome_ = found;
      loop().stop();
    });
    loop().run();
    const auto time = steady_clock::now() - begin;
    RecordProperty("milliseconds", static_cast<int>(std::chrono::duration_cast<milliseconds>(time).count()));
    ASSERT_TRUE(outcome_);
    EXPECT_NE(outcome_->entry.policy_in_force(now()), nullptr);
    EXPECT_LT(time, kSoon);
  }

  Config config_;
  FakeStore store_;
  FakeLog log_;
  std::unique_ptr<Network> network_;
  std::unique_ptr<Engine> engine_;
  std::optional<Outcome> outcome_;  // for good.test
};

// Two a second for twenty seconds, each with twenty MX hosts whose servers say nothing.
TEST_F(HostileLookups, ForDaneKeepNobodysFirstContactWaiting) {
  strangers_ask_for_dane(40);
  expect_answer_for_good_test();
}

// What was found out about DANE has run out, and all places for that are taken: the policy is answered with the finding
// of before, and nothing is saved of what was not asked.
TEST_F(HostileLookups, R29ForDaneKeepNobodysCachedPolicyWaiting) {
  strangers_ask_for_dane(250);
  cache_policy_of("good.test");
  CacheEntry& entry = store_.entries.at("good.test");
  entry.record.until = now() + seconds(300);
  entry.dane = DaneMemory{DaneState::kNone, now() - seconds(1), "no TLSA records"};
  const CacheEntry before = entry;
  expect_answer_for_good_test();
  EXPECT_THAT(outcome_->entry.dane->detail, testing::HasSubstr("could not be asked for again"));
  EXPECT_EQ(store_.entries.at("good.test"), before);
  DecisionRules rules;
  rules.ask_dane = true;
  EXPECT_EQ(decide(*outcome_, rules, now()).dane, DaneState::kNone);
}

TEST_F(HostileLookups, OfSilentRecordsOfOneZoneKeepNobodysFirstContactWaiting) {
  for (int i = 0; i < 300; ++i)
    engine_->lookup(*Domain::parse("n" + std::to_string(i) + ".silentzone.test"), Lookup::Effort::kNormal, kDeadline,
                    [](const Outcome&) {});
  let_pass(milliseconds{500});
  expect_answer_for_good_test();
}

// A hundred and ten policy hosts at twelve addresses, each in a zone of its own.
TEST_F(HostileLookups, OfSilentPolicyHostsKeepNobodysFirstContactWaiting) {
  std::list<test::SilentListener> listeners;
  for (int i = 1; i <= 12; ++i) listeners.emplace_back("127.7." + std::to_string(i) + ".1", config_.network.fetch.port);
  for (int i = 0; i < 110; ++i)
    look_up("at-127-7-" + std::to_string(1 + i % 12) + "-1.stranger" + std::to_string(i) + ".test");
  let_pass(milliseconds{500});
  expect_answer_for_good_test();
}

}  // namespace
}  // namespace mtasts
