// What is found out about MX hosts, and for how long it counts, with scripted DNS, sessions and time.
#include "module/trial/probes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/module/fakes.h"
#include "tests/unit/module/trial/fake_prober.h"

namespace mtasts {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kHost = "mx1.example.com";

class Probing : public testing::Test {
 protected:
  explicit Probing(Probes::Sni sni = Probes::Sni::kSent) : probes_(deps_, sni) {}

  // Until DNS has named its address.
  void probe() {
    probes_.probe(kHost, [this] { ++ended_; });
    dns(FakeResolver::found({"192.0.2.1"}));
  }
  void dns(const Result<DnsAnswer<std::string>>& answer) {
    for (const auto& [name, done] : std::exchange(resolver_.hosts, {})) done(answer);
  }

  FakeResolver resolver_;
  FakeProber prober_;
  FakeLog log_;
  SteadyTime now_{seconds(1000)};
  Probes::Deps deps_{resolver_, prober_, log_, [this] { return now_; }};
  Probes probes_;
  int ended_ = 0;
};

TEST_F(Probing, OneSessionForAllWhoAskMeanwhile) {
  probe();
  probe();
  EXPECT_THAT(prober_.probed, ElementsAre(kHost));
  EXPECT_EQ(ended_, 0);
  prober_.pass(kHost);
  EXPECT_EQ(ended_, 2);
}

TEST_F(Probing, ThatAHostPassesCountsForTenMinutes) {
  EXPECT_EQ(probes_.prospect(kHost), Prospect::kUnknown);
  probe();
  prober_.pass(kHost);
  now_ += minutes(10) - seconds(1);
  EXPECT_EQ(probes_.prospect(kHost), Prospect::kPasses);
  ASSERT_NE(probes_.known(kHost), nullptr);
  EXPECT_EQ(probes_.known(kHost)->until - now_, seconds(1));
  now_ += seconds(1);
  EXPECT_EQ(probes_.prospect(kHost), Prospect::kUnknown);
  EXPECT_EQ(probes_.known(kHost), nullptr);
}

TEST_F(Probing, AFailureCountsForTwoMinutesAndIsKnownAfterwards) {
  probe();
  prober_.refuse(kHost);
  now_ += minutes(2) - seconds(1);
  EXPECT_EQ(probes_.prospect(kHost), Prospect::kFails);
  now_ += seconds(1);
  EXPECT_EQ(probes_.prospect(kHost), Prospect::kFailedBefore);
  EXPECT_EQ(probes_.known(kHost), nullptr);
}

TEST_F(Probing, WithoutAnAddressThereIsNoSession) {
  for (const Result<DnsAnswer<std::string>>& answer :
       {Result<DnsAnswer<std::string>>(DnsAnswer<std::string>{}),
        Result<DnsAnswer<std::string>>(fail(ErrorCode::kDnsTimeout, "silence"))}) {
    probes_.probe(kHost, [this] { ++ended_; });
    dns(answer);
    EXPECT_EQ(probes_.prospect(kHost), Prospect::kFails);
  }
  EXPECT_EQ(ended_, 2);
  EXPECT_THAT(prober_.probed, testing::IsEmpty());
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("event=mx-failed mx=mx1.example.com error=mx-unreachable"),
                                      HasSubstr("event=mx-failed mx=mx1.example.com error=dns-timeout")));
}

// An smtpd that may be 6.8, which sends no SNI.
class ProbingForOldSmtpd : public Probing {
 protected:
  ProbingForOldSmtpd() : Probing(Probes::Sni::kPerhapsNotSent) {}
};

// Another address may be another machine.
TEST_F(ProbingForOldSmtpd, SniIsLeftOutAtTheAddressWhereItWasSent) {
  probes_.probe(kHost, [this] { ++ended_; });
  dns(FakeResolver::found({"192.0.2.7", "192.0.2.1"}));
  prober_.pass(kHost);
  EXPECT_THAT(prober_.probed, ElementsAre(kHost, "mx1.example.com without SNI"));
  EXPECT_THAT(prober_.addresses, ElementsAre("192.0.2.1"));
  EXPECT_EQ(ended_, 0);
  prober_.pass(kHost);
  EXPECT_EQ(ended_, 1);
  EXPECT_EQ(probes_.prospect(kHost), Prospect::kPasses);
}

TEST_F(ProbingForOldSmtpd, ThatAHostWasBusyOrWithoutStartTlsSaysNothingOfSni) {
  for (const auto code : {ErrorCode::kUnreachable, ErrorCode::kNotTried, ErrorCode::kStartTlsNotSupported}) {
    probe();
    prober_.pass(kHost);
    prober_.refuse(kHost, code);
    EXPECT_EQ(probes_.prospect(kHost), Prospect::kPasses) << error_name(code);
    now_ += minutes(3);
    EXPECT_EQ(probes_.known(kHost), nullptr) << "nor for long";
  }
}

TEST_F(ProbingForOldSmtpd, WhoNeedsSniStillNeedsItWhereThatCannotBeFoundOut) {
  probe();
  prober_.pass(kHost);
  prober_.refuse(kHost, ErrorCode::kCertificateHostMismatch);
  EXPECT_EQ(probes_.prospect(kHost), Prospect::kNeedsSni);
  EXPECT_THAT(log_.lines, Contains(HasSubstr("event=mx-needs-sni mx=mx1.example.com")));
  now_ += minutes(11);
  probe();
  prober_.pass(kHost);
  prober_.refuse(kHost, ErrorCode::kUnreachable);
  EXPECT_EQ(probes_.prospect(kHost), Prospect::kNeedsSni);
}

}  // namespace
}  // namespace mtasts
