// The choice of an MX host with scripted DNS, probes and time.
#include "module/trial/mx_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/core/builders.h"
#include "tests/unit/module/fakes.h"
#include "tests/unit/module/trial/fake_prober.h"

namespace mtasts {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class Choosing : public testing::Test {
 protected:
  // Answers what DNS was asked: two hosts, one address each.
  void dns(const std::vector<MxRecord>& records = {{10, "mx1.example.com"}, {20, "mx2.example.com"}}) {
    const auto asked = std::exchange(resolver_.mxs, {});
    for (const auto& [name, done] : asked)
      done(DnsAnswer<MxRecord>{DnsAnswer<MxRecord>::Kind::kFound, records, seconds(300)});
    const auto hosts = std::exchange(resolver_.hosts, {});
    for (const auto& [name, done] : hosts) done(FakeResolver::found({"192.0.2.1"}));
  }
  void choose(const std::vector<std::string>& patterns = {}) {
    chosen_ = "";
    choice_.choose(test::domain(), patterns, seconds(2), [this](const Result<std::string>& host) {
      chosen_ = host ? *host : "error: " + host.error().detail;
    });
  }

  FakeLoop loop_;
  FakeResolver resolver_;
  FakeProber prober_;
  FakeLog log_;
  SteadyTime now_{seconds(1000)};
  Probes::Deps parts_{resolver_, prober_, log_, [this] { return now_; }};
  Probes probes_{parts_, Probes::Sni::kSent};
  MxChoice choice_{{loop_, resolver_, &probes_, {}}};
  std::string chosen_;
};

TEST_F(Choosing, ThePreferredHostThatPasses) {
  choose();
  dns();
  EXPECT_THAT(prober_.probed, SizeIs(2));
  prober_.pass("mx2.example.com");
  EXPECT_EQ(chosen_, "") << "the preferred one has not been judged yet";
  prober_.pass("mx1.example.com");
  EXPECT_EQ(chosen_, "mx1.example.com");
}

TEST_F(Choosing, R26TheNextOneWhereThePreferredFails) {
  choose();
  dns();
  prober_.refuse("mx1.example.com");
  prober_.pass("mx2.example.com");
  EXPECT_EQ(chosen_, "mx2.example.com");
  EXPECT_THAT(log_.lines, testing::Contains(HasSubstr("event=mx-failed mx=mx1.example.com error=certificate-expired")));
}

TEST_F(Choosing, R26NoneWhereAllFail) {
  choose();
  dns();
  prober_.refuse("mx1.example.com");
  prober_.refuse("mx2.example.com");
  EXPECT_THAT(chosen_, HasSubstr("error: no permitted MX host of example.com passes"));
}

TEST_F(Choosing, R24NoneWhereNoneIsPermitted) {
  choose({"mx9.example.com"});
  dns();
  EXPECT_THAT(chosen_, HasSubstr("error: no MX host of example.com is permitted"));
  EXPECT_THAT(prober_.probed, IsEmpty());
}

TEST_F(Choosing, AtTheDeadlineTheFirstThatHasNotFailed) {
  choose();
  dns();
  prober_.refuse("mx1.example.com");
  loop_.advance(milliseconds(1999));
  EXPECT_EQ(chosen_, "");
  loop_.advance(milliseconds(2));
  EXPECT_EQ(chosen_, "mx2.example.com");
}

// One that answers nothing fails later than smtpd can wait, and the failure is forgotten before smtpd comes again.
TEST_F(Choosing, AtTheDeadlineNotTheOneThatFailedTheLastTime) {
  choose();
  dns();
  loop_.advance(seconds(2));
  EXPECT_EQ(chosen_, "mx1.example.com");
  prober_.refuse("mx1.example.com");
  prober_.pass("mx2.example.com");
  now_ += minutes(7);
  choose();
  dns();
  loop_.advance(seconds(2));
  EXPECT_EQ(chosen_, "mx2.example.com");
}

TEST_F(Choosing, AtTheDeadlineOneThatFailedTheLastTimeWhereThereIsNoOther) {
  choose();
  dns();
  prober_.refuse("mx1.example.com");
  prober_.refuse("mx2.example.com");
  now_ += minutes(7);
  choose();
  dns();
  prober_.refuse("mx1.example.com");
  loop_.advance(seconds(2));
  EXPECT_EQ(chosen_, "mx2.example.com") << "it may be well again, and the other is known not to be";
}

TEST_F(Choosing, AtTheDeadlineNoneWhenDnsIsSilent) {
  choose();
  loop_.advance(seconds(3));
  EXPECT_THAT(chosen_, HasSubstr("error: the MX records of example.com did not come"));
  dns();  // comes too late for this one
  EXPECT_THAT(chosen_, HasSubstr("error: the MX records"));
}

TEST_F(Choosing, WhatIsKnownIsNotProbedAgainForMinutes) {
  choose();
  dns();
  prober_.refuse("mx1.example.com");
  prober_.pass("mx2.example.com");
  now_ += minutes(1);
  choose();
  dns();
  EXPECT_EQ(chosen_, "mx2.example.com");
  EXPECT_THAT(prober_.probed, SizeIs(2));
  now_ += minutes(2);
  choose();
  dns();
  EXPECT_EQ(prober_.probed.back(), "mx1.example.com") << "a failure is forgotten sooner";
}

TEST_F(Choosing, AProbeThatWasNotTriedIsNotHeldAgainstTheHost) {
  choose();
  dns();
  prober_.refuse("mx1.example.com", ErrorCode::kNotTried);
  EXPECT_EQ(chosen_, "mx1.example.com");
}

TEST_F(Choosing, WithoutProbesThePreferred) {
  MxChoice simple({loop_, resolver_, nullptr, {}});
  simple.choose(test::domain(), {"mx2.example.com"}, seconds(2),
                [this](const Result<std::string>& host) { chosen_ = host.value(); });
  dns();
  EXPECT_EQ(chosen_, "mx2.example.com");
}

TEST_F(Choosing, R27WatchingTellsOfEveryHostThatEnforceWouldRefuse) {
  std::vector<std::string> told;
  choice_.probe_all(test::domain(), {"mx1.example.com"}, [&](const MxChoice::Findings& findings) {
    for (const auto& [host, error] : findings.failures) told.push_back(host + " " + error.detail);
  });
  dns();
  EXPECT_THAT(told, IsEmpty());
  prober_.refuse("mx1.example.com");
  EXPECT_THAT(told, testing::ElementsAre("mx1.example.com expired", "mx2.example.com the policy does not name it"));
}

// Enforce refuses nobody for that: a host that is down gets no mail in any mode.
TEST_F(Choosing, R27AHostThatNobodyCanReachIsNoneThatEnforceWouldRefuse) {
  int told = -1;
  choice_.probe_all(test::domain(), {"mx1.example.com", "mx2.example.com"},
                    [&](const MxChoice::Findings& findings) { told = static_cast<int>(findings.failures.size()); });
  dns();
  prober_.refuse("mx1.example.com", ErrorCode::kUnreachable);
  prober_.refuse("mx2.example.com", ErrorCode::kStartTlsNotSupported);
  EXPECT_EQ(told, 1);
}

// What was reported holds until the time that came with it.
TEST_F(Choosing, R32WhatIsKnownOfAHostIsToldForEachDomainThatAsks) {
  std::vector<std::string> told;
  MxChoice choice({loop_, resolver_, &probes_,
                   [&](const Domain& domain, const std::string& host, const MxTrial& trial, SteadyTime until) {
                     told.push_back(domain.text() + " " + host + (trial.result ? " passes for " : " fails for ") +
                                    std::to_string((until - now_) / minutes(1)));
                   }});
  const auto ignore = [](const auto& /*what*/) {};
  choice.probe_all(test::domain(), {"mx1.example.com"}, ignore);
  dns();
  EXPECT_THAT(told, testing::ElementsAre("example.com mx2.example.com fails for 10")) << "the policy does not name it";
  told.clear();
  prober_.pass("mx1.example.com");
  EXPECT_THAT(told, testing::ElementsAre("example.com mx1.example.com passes for 10"));
  told.clear();
  choice.choose(test::domain("example.net"), {"mx1.example.com"}, seconds(2), ignore);
  dns();
  EXPECT_THAT(told, testing::ElementsAre("example.net mx1.example.com passes for 10"))
      << "though it was tried for another";
  EXPECT_THAT(prober_.probed, SizeIs(1));
  choice.choose(test::domain("left.example"), {}, seconds(2), ignore);
  dns();
  EXPECT_THAT(told, SizeIs(1)) << "mail that waited for a policy that has gone";
}

// An smtpd that may be 6.8, which sends no SNI.
class ChoosingForOldSmtpd : public Choosing {
 protected:
  ChoosingForOldSmtpd() { choice_.choose(test::domain(), {}, seconds(2), note()); }
  MxChoice::Done note() {
    return [this](const Result<std::string>& host) { chosen_ = host ? *host : "error: " + host.error().detail; };
  }
  Probes probes_{parts_, Probes::Sni::kPerhapsNotSent};
  MxChoice choice_{{loop_, resolver_, &probes_, {}}};
};

TEST_F(ChoosingForOldSmtpd, TheNextHostWhereThePreferredNeedsSni) {
  dns();
  prober_.pass("mx1.example.com");
  prober_.pass("mx2.example.com");
  EXPECT_THAT(prober_.probed, testing::ElementsAre("mx1.example.com", "mx2.example.com", "mx1.example.com without SNI",
                                                   "mx2.example.com without SNI"));
  prober_.refuse("mx1.example.com", ErrorCode::kCertificateHostMismatch);
  prober_.pass("mx2.example.com");
  EXPECT_EQ(chosen_, "mx2.example.com");
  EXPECT_THAT(log_.lines, testing::Contains(HasSubstr("event=mx-needs-sni mx=mx1.example.com")));
}

// It may be 7.3 as well, which talks in the same way and sends SNI.
TEST_F(ChoosingForOldSmtpd, OneThatNeedsSniWhereNoOtherPasses) {
  dns();
  prober_.pass("mx1.example.com");
  prober_.refuse("mx1.example.com", ErrorCode::kCertificateHostMismatch);
  prober_.refuse("mx2.example.com");
  EXPECT_EQ(chosen_, "mx1.example.com");
}

TEST_F(ChoosingForOldSmtpd, WhoNeedsSniStillNeedsItWhereThatCannotBeFoundOutInTime) {
  dns();
  prober_.pass("mx1.example.com");
  prober_.refuse("mx1.example.com", ErrorCode::kCertificateHostMismatch);
  prober_.pass("mx2.example.com");
  prober_.pass("mx2.example.com");
  EXPECT_EQ(chosen_, "mx2.example.com");
  now_ += minutes(11);
  chosen_ = "";
  choice_.choose(test::domain(), {}, seconds(2), note());
  dns();
  loop_.advance(seconds(3));
  EXPECT_EQ(chosen_, "mx2.example.com") << "both are silent";
  prober_.pass("mx1.example.com");
  prober_.refuse("mx1.example.com", ErrorCode::kUnreachable);
  EXPECT_EQ(probes_.prospect("mx1.example.com"), Prospect::kNeedsSni);
}

TEST_F(ChoosingForOldSmtpd, AtTheDeadlineOneThatNeedsSniRatherThanOneThatFailed) {
  dns();
  prober_.refuse("mx1.example.com");
  prober_.pass("mx2.example.com");
  prober_.refuse("mx2.example.com", ErrorCode::kCertificateHostMismatch);
  now_ += minutes(3);
  choice_.choose(test::domain(), {}, seconds(2), note());
  dns();
  loop_.advance(seconds(3));
  EXPECT_EQ(chosen_, "mx2.example.com");
}

TEST_F(Choosing, WatchingEndsThoughSomethingIsForgottenMeanwhile) {
  choose();
  dns();
  prober_.pass("mx1.example.com");
  prober_.refuse("mx2.example.com");
  now_ += minutes(9) + seconds(59);  // that mx1 passed is still known, for a second
  int ended = 0;
  choice_.probe_all(test::domain(), {"mx1.example.com", "mx2.example.com"},
                    [&](const MxChoice::Findings& /*findings*/) { ++ended; });
  dns();
  now_ += seconds(2);
  prober_.pass("mx2.example.com");
  EXPECT_EQ(ended, 1);
}

TEST_F(Choosing, WatchingEndsWhereDnsDoesNotAnswer) {
  int ended = 0;
  choice_.probe_all(test::domain(), {"mx1.example.com"},
                    [&](const MxChoice::Findings& findings) { ended += findings.failures.empty() ? 1 : 0; });
  resolver_.mxs.at(0).second(fail(ErrorCode::kDnsTimeout, "silence"));
  EXPECT_EQ(ended, 1);
}

}  // namespace
}  // namespace mtasts
