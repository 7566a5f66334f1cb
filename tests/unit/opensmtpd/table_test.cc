// The table's two answers, from a real store and with scripted DNS, policy hosts, probes and time.
#include "adapters/opensmtpd/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "module/client.h"
#include "module/engine/cached_lookups.h"
#include "module/engine/engine.h"
#include "module/io/wall_clock.h"
#include "tests/unit/core/builders.h"
#include "tests/unit/module/fakes.h"
#include "tests/unit/module/scratch.h"
#include "tests/unit/module/trial/fake_prober.h"

namespace mtasts::opensmtpd {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Operation = Request::Operation;
using State = RecordMemory::State;

class Asked : public testing::Test {
 protected:
  Asked() : table_(parts(), config_) {}

  Table::Deps parts() {
    return {loop_, resolver_, prober_, lookups_, store_, log_, [this] { return now_; }, [this] { return steady_; },
            false};
  }
  // "" while there is no answer yet.
  std::string ask(Operation operation, Request::Service service) {
    answer_ = "";
    table_.answer({operation, service, "example.com", "1"}, [this](const Answer& answer) {
      constexpr std::array<const char*, 3> kNames{"found", "not-found", "error"};
      answer_ = kNames.at(static_cast<std::size_t>(answer.kind)) + (answer.value.empty() ? "" : " " + answer.value);
    });
    loop_.advance(seconds(0));
    return answer_;
  }
  std::string check() { return ask(Operation::kCheck, Request::Service::kDomain); }
  std::string relay_host() { return ask(Operation::kLookup, Request::Service::kRelayHost); }
  void cache(const char* mode) {
    ASSERT_TRUE(store_.put({test::domain(),
                            {State::kFound, now_ + hours(1), "1", {}},
                            test::stored_policy("1", now_ - hours(1), test::policy_body(mode, 604'800)),
                            {}}));
  }
  void answer_mx(const std::vector<MxRecord>& records) {
    resolver_.mxs.at(0).second(DnsAnswer<MxRecord>{DnsAnswer<MxRecord>::Kind::kFound, records, seconds(300)});
  }
  void answer_addresses() {
    const auto hosts = std::exchange(resolver_.hosts, {});
    for (const auto& [name, done] : hosts) done(FakeResolver::found({"192.0.2.1"}));
  }

  Scratch scratch_;
  Config config_;
  WallTime now_ = mtasts::now();
  SteadyTime steady_{seconds(1000)};
  FakeLoop loop_;
  FakeResolver resolver_;
  FakeFetcher fetcher_;
  FakeProber prober_;
  FakeLog log_;
  FileStore store_{scratch_.path(), log_};
  Engine engine_{loop_, resolver_, fetcher_, store_, log_, config_.lookup, [this] { return now_; }};
  CachedLookups lookups_{{loop_, store_, engine_, [this] { return now_; }}, config_.lookup};
  Table table_;
  std::string answer_;
};

TEST_F(Asked, R26R27R28ADomainIsFoundWhereItsPolicyIsEnforced) {
  EXPECT_EQ((cache("enforce"), check()), "found");
  EXPECT_EQ((cache("testing"), check()), "not-found");
  EXPECT_EQ((cache("none"), check()), "not-found");
}

TEST_F(Asked, AColdDomainIsLookedUpAndPutOffAtTheEndOfTheTime) {
  EXPECT_EQ(check(), "");
  resolver_.txts.at(0).second(FakeResolver::found({"v=STSv1; id=1"}));
  loop_.advance(config_.opensmtpd.wait);
  EXPECT_EQ(answer_, "error");
  EXPECT_THAT(log_.lines, Contains(HasSubstr("event=deferred domain=example.com")));
}

// The mail would keep to the action "plain", and go out without the policy for good.
TEST_F(Asked, R20ARecordThatIsLateIsNoMissingPolicy) {
  EXPECT_EQ(check(), "");
  loop_.advance(config_.opensmtpd.wait);
  EXPECT_EQ(answer_, "error");
  EXPECT_THAT(log_.lines, Contains(HasSubstr("was not there within 2 s (opensmtpd.wait_s)")));
  resolver_.txts.at(0).second(FakeResolver::found({"v=STSv1; id=1"}));
  EXPECT_THAT(resolver_.hosts, SizeIs(1)) << "the lookup goes on";
}

// A resolver that is silent for all stops no mail: that is found out after the first answer.
TEST_F(Asked, R20AResolverThatIsSilentPutsMailOffOnce) {
  EXPECT_EQ(check(), "");
  loop_.advance(config_.opensmtpd.wait);
  EXPECT_EQ(answer_, "error");
  resolver_.txts.at(0).second(fail(ErrorCode::kDnsTimeout, "gave no answer in time"));
  EXPECT_EQ(check(), "not-found") << "by on_dns_failure";
  for (const seconds pause : {seconds(400), seconds(3000)}) {
    now_ += pause;
    EXPECT_EQ(check(), "") << "it is asked for again";
    loop_.advance(config_.opensmtpd.wait);
    EXPECT_EQ(answer_, "not-found");
  }
  now_ += hours(1);
  EXPECT_EQ(check(), "");
  loop_.advance(config_.opensmtpd.wait);
  EXPECT_EQ(answer_, "error") << "that was another outage";
}

TEST_F(Asked, R20ASilentResolverPutsMailOffForAsLongAsItIsConfigured) {
  config_.decision.on_dns_failure = WhenUnknown::kDefer;
  EXPECT_EQ(check(), "");
  resolver_.txts.at(0).second(fail(ErrorCode::kDnsTimeout, "gave no answer in time"));
  EXPECT_EQ(answer_, "error");
  EXPECT_EQ(check(), "error");
}

TEST_F(Asked, R20WaitingMailIsNotSentAnywhereBecauseTheRecordCannotBeAskedFor) {
  EXPECT_EQ(relay_host(), "");
  resolver_.txts.at(0).second(fail(ErrorCode::kDnsFailure, "SERVFAIL"));
  EXPECT_EQ(answer_, "error");
  EXPECT_THAT(resolver_.mxs, IsEmpty());
  EXPECT_EQ(check(), "not-found") << "new mail goes by on_dns_failure";
}

TEST_F(Asked, WaitingMailWhosePolicyHasGoneGetsAnMxHostAllTheSame) {
  EXPECT_EQ(relay_host(), "");
  resolver_.txts.at(0).second(FakeResolver::found({}));
  answer_mx({{10, "other.example.net"}});
  answer_addresses();
  prober_.pass("other.example.net");
  EXPECT_EQ(answer_, "found smtp+tls://other.example.net");
}

TEST_F(Asked, R24WaitingMailGoesToAHostOfThePolicy) {
  cache("enforce");
  EXPECT_EQ(relay_host(), "");
  answer_mx({{10, "evil.test"}, {20, "mx.example.com"}});
  answer_addresses();
  prober_.pass("mx.example.com");
  EXPECT_EQ(answer_, "found smtp+tls://mx.example.com");
  EXPECT_THAT(prober_.probed, testing::ElementsAre("mx.example.com"));
}

TEST_F(Asked, SmtpdIsHeldForItsTimeOnceNotForEachStep) {
  EXPECT_EQ(relay_host(), "");
  loop_.advance(seconds(1));
  steady_ += seconds(1);
  resolver_.txts.at(0).second(FakeResolver::found({}));
  answer_mx({{10, "mx.example.com"}});
  answer_addresses();
  EXPECT_EQ(answer_, "") << "the probe is under way";
  loop_.advance(seconds(1));
  EXPECT_EQ(answer_, "found smtp+tls://mx.example.com");
}

TEST_F(Asked, HostsAreTriedAheadOnceForAllRecipientsOfTheMeantime) {
  cache("enforce");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(check(), "found");
  EXPECT_THAT(resolver_.mxs, SizeIs(1));
  answer_mx({{10, "mx.example.com"}});
  answer_addresses();
  prober_.pass("mx.example.com");
  EXPECT_EQ(check(), "found");
  EXPECT_THAT(resolver_.mxs, SizeIs(2));
}

TEST_F(Asked, R27WhatEnforceWouldRefuseIsLoggedOnceAnHour) {
  cache("testing");
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(check(), "not-found");
    answer_mx({{10, "other.test"}});
    resolver_.mxs.clear();
  }
  EXPECT_THAT(log_.lines, testing::ElementsAre(HasSubstr("event=testing-failure domain=example.com mx=other.test")));
  EXPECT_THAT(store_.throttle().stamps(), IsEmpty()) << "any number of domains can be in testing";
  steady_ += hours(1);
  EXPECT_EQ(check(), "not-found");
  answer_mx({{10, "other.test"}});
  EXPECT_THAT(log_.lines, SizeIs(2));
}

TEST_F(Asked, R27R32WhatIsKnownOfItsHostsIsForADomainThatWantsReports) {
  TlsrptCounts counts;
  Table::Deps deps = parts();
  TlsReports reports({resolver_, store_, scratch_.path(), deps.clock, deps.steady_clock, 10},
                     std::make_shared<TlsrptSocket>(TlsrptSocket::Deps{loop_, log_, counts}, scratch_.path(),
                                                    scratch_.path() + "/collectd.sock"));
  deps.reports = &reports;
  Table table(deps, config_);
  cache("testing");
  table.answer({Operation::kCheck, Request::Service::kDomain, "example.com", "1"}, [](const Answer& /*answer*/) {});
  loop_.advance(seconds(0));
  answer_mx({{20, "mx.example.com"}});
  answer_addresses();
  EXPECT_THAT(resolver_.txts, IsEmpty());
  prober_.refuse("mx.example.com");
  ASSERT_THAT(resolver_.txts, SizeIs(1));
  EXPECT_EQ(resolver_.txts.back().first, "_smtp._tls.example.com");
}

TEST_F(Asked, NobodyIsAskedForReportsWithoutACollector) {
  cache("testing");
  EXPECT_EQ(check(), "not-found");
  answer_mx({{10, "evil.test"}});
  EXPECT_THAT(resolver_.txts, IsEmpty());
}

TEST_F(Asked, ThereIsNothingToFetch) {
  EXPECT_EQ(ask(Operation::kFetch, Request::Service::kDomain), "not-found");
  EXPECT_EQ(ask(Operation::kUnknown, Request::Service::kOther), "error");
}

TEST_F(Asked, WhenObservingNoDomainIsFoundAndItsHostsAreTriedForEachRecipient) {
  config_.opensmtpd.observe = true;
  cache("enforce");
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(check(), "not-found");
    answer_mx({{10, "evil.test"}});
    resolver_.mxs.clear();
  }
  EXPECT_THAT(log_.lines,
              testing::ElementsAre(HasSubstr("event=observed-failure domain=example.com server=opensmtpd mx=evil.test"),
                                   HasSubstr("event=observed-defer domain=example.com"),
                                   HasSubstr("event=observed-failure"), HasSubstr("event=observed-defer")));
}

TEST_F(Asked, WhenObservingNobodyIsPutOff) {
  config_.opensmtpd.observe = true;
  EXPECT_EQ(check(), "");
  resolver_.txts.at(0).second(FakeResolver::found({"v=STSv1; id=1"}));
  loop_.advance(config_.opensmtpd.wait);
  EXPECT_EQ(answer_, "not-found");
  EXPECT_THAT(log_.lines, Contains(HasSubstr("event=observed-defer domain=example.com")));
}

TEST_F(Asked, WhenObservingMailThatWasQueuedBeforeStaysProtected) {
  config_.opensmtpd.observe = true;
  cache("enforce");
  EXPECT_EQ(relay_host(), "");
  answer_mx({{10, "evil.test"}});
  EXPECT_EQ(answer_, "error");
}

}  // namespace
}  // namespace mtasts::opensmtpd
