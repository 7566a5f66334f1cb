// What tlsrpt-collectd is handed, and when.
#include "module/tlsrpt/tlsrpt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/unit/module/tlsrpt/collector.h"

namespace mtasts {
namespace {

using nlohmann::json;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class TlsReportsTest : public test::Collector {};

TEST_F(TlsReportsTest, R31R32IsHandedWhatTheDomainWantsToKnow) {
  listen();
  report();
  ASSERT_THAT(resolver_.txts, SizeIs(1));
  EXPECT_EQ(resolver_.txts.at(0).first, "_smtp._tls.example.com");
  EXPECT_EQ(datagram(), "");
  answer();
  const auto sent = json::parse(datagram());
  EXPECT_EQ(sent["pr"], test::kTlsrptRecord);
  EXPECT_EQ(sent["policies"][0]["policy-string"][1], "mode: testing");
  EXPECT_THAT(log_.lines, IsEmpty());
}

TEST_F(TlsReportsTest, R31IsHandedNothingOfDomainsThatAskForNothing) {
  listen();
  report();
  answer({"v=spf1 -all"});
  cache("enforce", "example.net");
  report("mx.example.net", {}, "example.net");
  answer({"v=spf1 -all"});
  EXPECT_EQ(datagram(), "");
  EXPECT_THAT(log_.lines, IsEmpty());
  EXPECT_EQ(counts_.lost, 0U);
}

TEST_F(TlsReportsTest, WhatWaitsForDnsThatFailsIsCountedAsLost) {
  listen();
  report("mx1.example.com");
  report("mx2.example.com");
  fail_dns(ErrorCode::kDnsTimeout);
  EXPECT_EQ(counts_.lost, 2U);
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("name servers are slow")));
  open();
  report("mx3.example.com");
  EXPECT_THAT(resolver_.txts, IsEmpty()) << "no process asks again soon";
  EXPECT_EQ(counts_.lost, 1U) << "the domain has not said that it wants no reports";
}

// Admission queue, descriptors: the domain has not said that it wants no reports.
TEST_F(TlsReportsTest, R31WhatCouldNotBeAskedForFromHereIsLostAndAskedForAgainSoon) {
  listen();
  report("mx1.example.com");
  fail_dns(ErrorCode::kNotTried);
  EXPECT_EQ(counts_.lost, 1U);
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("could not be asked for from here")));
  EXPECT_FALSE(std::filesystem::exists(scratch_.path() + "/.tlsrpt")) << "other processes may have room";
  report("mx2.example.com");
  EXPECT_THAT(resolver_.txts, IsEmpty());
  EXPECT_EQ(counts_.lost, 2U);
  pass(seconds(10));
  report("mx3.example.com");
  answer();
  EXPECT_NE(datagram(), "");
  EXPECT_EQ(counts_.lost, 2U);
}

TEST_F(TlsReportsTest, R31WhatAnotherProcessLearntMeanwhileCounts) {
  listen();
  report("mx1.example.com");
  fail_dns(ErrorCode::kLocalFault);
  ReportWishes(scratch_.path()).put(test::domain(), {test::kTlsrptRecord, now_ + seconds(300)});
  report("mx2.example.com");
  EXPECT_NE(datagram(), "");
}

TEST_F(TlsReportsTest, IsHandedNothingOfPoliciesThatDemandNothing) {
  listen();
  cache("none");
  report();
  report("mx.example.net", {}, "nopolicy.example");
  EXPECT_THAT(resolver_.txts, IsEmpty());
  EXPECT_EQ(datagram(), "");
}

TEST_F(TlsReportsTest, DnsIsNotAskedForWhatIsNotReported) {
  report("mx.example.com", fail(ErrorCode::kUnreachable, "no connection"));
  EXPECT_THAT(resolver_.txts, IsEmpty());
}

TEST_F(TlsReportsTest, EachSessionIsReportedOnceForAsLongAsItIsCached) {
  listen();
  for (int i = 0; i < 3; ++i) report();
  answer();
  report();
  EXPECT_NE(datagram(), "");
  EXPECT_EQ(datagram(), "");
  steady_ += minutes(10);
  report();
  answer();
  EXPECT_NE(datagram(), "");
}

TEST_F(TlsReportsTest, R23TheDomainsWishIsCachedForItsTime) {
  listen();
  report("mx1.example.com");
  answer();
  report("mx2.example.com");
  EXPECT_THAT(resolver_.txts, IsEmpty());
  pass(seconds(301));  // the answers of these tests have a TTL of 300 s
  report("mx3.example.com");
  EXPECT_THAT(resolver_.txts, SizeIs(1));
}

TEST_F(TlsReportsTest, R31ADomainIsAskedOnceByAllProcessesOfAStore) {
  listen();
  report("mx1.example.com");
  answer();
  open();
  report("mx2.example.com");
  EXPECT_THAT(resolver_.txts, IsEmpty());
  EXPECT_NE(datagram(), "");
  EXPECT_NE(datagram(), "");
}

TEST_F(TlsReportsTest, R31WhatIsLearntBeforeASessionIsNotAskedForAgain) {
  listen();
  for (int i = 0; i < 3; ++i) reports_->learn(test::domain());
  EXPECT_THAT(resolver_.txts, SizeIs(1));
  report("mx1.example.com");
  answer();
  reports_->learn(test::domain());
  report("mx2.example.com");
  EXPECT_THAT(resolver_.txts, IsEmpty());
  EXPECT_NE(datagram(), "");
  EXPECT_NE(datagram(), "");
  EXPECT_EQ(datagram(), "");
}

TEST_F(TlsReportsTest, R32APolicyThatCannotBeHadIsToldOnceForADelivery) {
  listen();
  const Error failure{ErrorCode::kWebPkiInvalid, "the certificate of mta-sts.example.com has expired"};
  // Sendmail asks three times for each.
  for (int i = 0; i < 3; ++i) reports_->report_policy_failure(test::domain(), failure, {});
  answer();
  const auto sent = json::parse(datagram());
  EXPECT_EQ(sent["policies"][0], json::parse(R"({"policy-type":2,"policy-domain":"example.com","failure-details":
    [{"c":303,"f":"the certificate of mta-sts.example.com has expired"}],"t":1,"f":1})"));
  EXPECT_EQ(datagram(), "");
  for (int i = 0; i < 2; ++i) reports_->report_policy_failure(test::domain(), failure, {"uid 0 4711"});
  EXPECT_NE(datagram(), "") << "where it is known that it is another one";
  EXPECT_EQ(datagram(), "");
  pass(seconds(61));
  reports_->report_policy_failure(test::domain(), failure, {});
  EXPECT_NE(datagram(), "");
}

// A queue run in two stages routes a message twice, in two processes.
TEST_F(TlsReportsTest, R32APolicyThatCannotBeHadIsToldOnceForAnAttemptOfAMessage) {
  listen();
  const Error failure{ErrorCode::kPolicyFetch, "status 404"};
  reports_->report_policy_failure(test::domain(), failure, {"uid 0 1", "1rXyz0-1"});
  answer();
  EXPECT_NE(datagram(), "");
  reports_->report_policy_failure(test::domain(), failure, {"uid 0 2", "1rXyz0-1"});
  EXPECT_EQ(datagram(), "");
  open();
  reports_->report_policy_failure(test::domain(), failure, {"uid 0 3", "1rXyz0-1"});
  EXPECT_EQ(datagram(), "") << "nor does another process tell it";
  reports_->report_policy_failure(test::domain(), failure, {"uid 0 4", "1rXyz0-2"});
  EXPECT_NE(datagram(), "") << "another message";
  pass(minutes(15));
  reports_->report_policy_failure(test::domain(), failure, {"uid 0 5", "1rXyz0-1"});
  answer();
  EXPECT_NE(datagram(), "") << "another attempt";
}

TEST_F(TlsReportsTest, R31WhatCouldNotBeToldOfAMessageIsToldWithItsNextAttempt) {
  listen();
  const Error failure{ErrorCode::kPolicyFetch, "status 404"};
  reports_->report_policy_failure(test::domain(), failure, {"uid 0 1", "1rXyz0-1"});
  fail_dns(ErrorCode::kNotTried);
  EXPECT_EQ(counts_.lost, 1U);
  pass(seconds(10));
  reports_->report_policy_failure(test::domain(), failure, {"uid 0 2", "1rXyz0-1"});
  answer();
  EXPECT_NE(datagram(), "");
}

TEST_F(TlsReportsTest, R32WhatTheCollectorMissedIsToldWithTheNextAttempt) {
  cache("testing");
  const Error failure{ErrorCode::kPolicyFetch, "status 404"};
  reports_->report_policy_failure(test::domain(), failure, {"uid 0 1", "1rXyz0-1"});
  answer();
  EXPECT_EQ(counts_.lost, 1U);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path_.copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  reports_->report_policy_failure(test::domain(), failure, {"uid 0 2", "1rXyz0-1"});
  EXPECT_NE(datagram(), "");
}

TEST_F(TlsReportsTest, R32WhatTheCollectorHadNoRoomForUntilTheEndIsToldWithTheNextAttempt) {
  listen();
  const Error failure{ErrorCode::kPolicyFetch, "status 404"};
  reports_->learn(test::domain());
  answer();
  int messages = 0;
  const auto attempt = [&](int number) {
    reports_->report_policy_failure(test::domain(), failure, {"uid 0 1", "1rXyz0-" + std::to_string(number)});
  };
  while (socket_->is_empty()) attempt(messages++);
  end();
  EXPECT_EQ(counts_.lost, 1U);
  while (!datagram().empty()) {
  }
  open();
  attempt(messages - 1);
  EXPECT_NE(datagram(), "") << "the one that was lost";
  attempt(0);
  EXPECT_EQ(datagram(), "") << "this one was not";
}

TEST_F(TlsReportsTest, R32WhereTheStoreCannotBeWrittenAProcessStillTellsAMessageOnce) {
  listen();
  std::ofstream(scratch_.path() + "/.tlsrpt") << "a file where the directory should be";
  const Error failure{ErrorCode::kPolicyFetch, "status 404"};
  for (int i = 0; i < 2; ++i) {
    reports_->report_policy_failure(test::domain(), failure, {"uid 0 " + std::to_string(i), "1rXyz0-1"});
    answer();
  }
  EXPECT_NE(datagram(), "");
  EXPECT_EQ(datagram(), "");
}

// A helper ends then.
TEST_F(TlsReportsTest, IsIdleOnlyWhenAllThatWaitedForAnAnswerIsSent) {
  listen();
  std::vector<std::uint64_t> sent;  // by then, each time that it is idle
  reports_->on_idle([&] { sent.push_back(counts_.sent); });
  report("mx1.example.com");
  report("mx2.example.com");
  answer();
  EXPECT_THAT(sent, ElementsAre(2U));
}

class UnlistedHostsTest : public test::Collector {
 protected:
  TlsSession session_ = sts_session(test::domain(), test::policy_body(), {"mx.example.com"});
  void ask(const std::vector<MxRecord>& hosts) {
    reports_->report_unlisted(session_);
    for (const auto& [name, done] : std::exchange(resolver_.mxs, {}))
      done(DnsAnswer<MxRecord>{DnsAnswer<MxRecord>::Kind::kFound, hosts, seconds(300), false});
    answer();
  }
};

TEST_F(UnlistedHostsTest, R24AnMxThatThePolicyDoesNotListIsToldByItsNameEachTime) {
  listen();
  for (int i = 0; i < 2; ++i) {
    ask({{10, "mx.example.com"}, {20, "MX.example.net"}, {30, "not a name"}});
    const auto sent = json::parse(datagram());
    EXPECT_EQ(sent["policies"][0]["failure-details"], json::parse(R"([{"c":205,"n":"mx.example.net",
      "f":"the policy does not list this MX"}])"));
    EXPECT_EQ(datagram(), "");
  }
}

TEST_F(UnlistedHostsTest, R32AnMxThatThePolicyDoesNotListIsToldOnceForAMessageHoweverLongItWaits) {
  listen();
  session_.message = "1rXyz0-1";
  ask({{10, "mx.example.net"}});
  EXPECT_THAT(datagram(), HasSubstr(R"("n":"mx.example.net")"));
  pass(std::chrono::hours(4));
  open();
  ask({{10, "mx.example.net"}, {20, "mx.example.org"}});
  EXPECT_THAT(datagram(), HasSubstr(R"("n":"mx.example.org")")) << "a host that was not there before";
  EXPECT_EQ(datagram(), "");
  session_.message = "1rXyz0-2";
  ask({{10, "mx.example.net"}});
  EXPECT_NE(datagram(), "") << "another message";
}

TEST_F(UnlistedHostsTest, R24WhereAllAreListedMxRecordsAreNotAskedForAgainSoon) {
  listen();
  reports_->learn(test::domain());
  answer();
  ask({{10, "mx.example.com"}});
  reports_->report_unlisted(session_);
  EXPECT_THAT(resolver_.mxs, IsEmpty());
  TlsSession other = session_;
  other.patterns = {"*.example.org"};
  reports_->report_unlisted(other);
  EXPECT_THAT(resolver_.mxs, SizeIs(1)) << "another policy lists others";
  EXPECT_EQ(datagram(), "");
}

TEST_F(UnlistedHostsTest, R29HostsThatDaneJudgesAreNotTold) {
  listen();
  reports_->learn(test::domain());
  answer();
  session_.dane_hosts = {"dane.example.net"};
  ask({{10, "dane.example.net"}, {20, "mx.example.net"}});
  EXPECT_THAT(datagram(), HasSubstr(R"("n":"mx.example.net")"));
  EXPECT_EQ(datagram(), "");
  ask({{10, "dane.example.net"}, {20, "mx.example.com"}});
  EXPECT_EQ(datagram(), "");
  reports_->report_unlisted(session_);
  EXPECT_THAT(resolver_.mxs, IsEmpty()) << "all were found to be in order";
  session_.dane_hosts.clear();
  reports_->report_unlisted(session_);
  EXPECT_THAT(resolver_.mxs, SizeIs(1)) << "where DANE does not judge it any more, it is refused";
}

TEST_F(UnlistedHostsTest, R31DnsIsNotAskedForDomainsThatWantNoReports) {
  listen();
  reports_->learn(test::domain());
  answer({"v=spf1 -all"});
  reports_->report_unlisted(session_);
  EXPECT_THAT(resolver_.mxs, IsEmpty());
}

TEST_F(UnlistedHostsTest, OnceADeliveryWhereThatIsKnownElseOnceAMinute) {
  listen();
  for (int i = 0; i < 3; ++i) reports_->report_unlisted_once(session_, {});
  EXPECT_THAT(resolver_.mxs, SizeIs(1));
  for (int i = 0; i < 3; ++i, pass(seconds(40))) reports_->report_unlisted_once(session_, {"uid 0 4711"});
  EXPECT_THAT(resolver_.mxs, SizeIs(2)) << "a long list is one delivery";
  pass(seconds(61));
  reports_->report_unlisted_once(session_, {"uid 0 4711"});
  EXPECT_THAT(resolver_.mxs, SizeIs(3)) << "another process with the same number";
}

TEST_F(UnlistedHostsTest, WhereTheDeliveryIsNotKnownAMinuteIsOneHoweverOftenItIsAsked) {
  listen();
  for (int i = 0; i < 3; ++i, pass(seconds(40))) reports_->report_unlisted_once(session_, {});
  EXPECT_THAT(resolver_.mxs, SizeIs(2));
}

TEST_F(UnlistedHostsTest, R31WhatCouldNotBeAskedForIsCountedAsLost) {
  listen();
  reports_->report_unlisted(session_);
  for (const auto& [name, done] : std::exchange(resolver_.mxs, {})) done(fail(ErrorCode::kNotTried, "no room"));
  EXPECT_EQ(counts_.lost, 1U);
  fail_dns(ErrorCode::kNotTried);
  reports_->report_unlisted(session_);
  EXPECT_THAT(resolver_.mxs, IsEmpty()) << "whether a report is wanted could not be asked for either";
  EXPECT_EQ(counts_.lost, 2U);
}

TEST_F(UnlistedHostsTest, WhatFindsNoPlaceForItsQuestionIsCountedAsLost) {
  listen();
  for (int i = 0; i < 30; ++i)
    reports_->report_unlisted(
        sts_session(test::domain("silent" + std::to_string(i) + ".example"), test::policy_body(), {"mx.example.com"}));
  EXPECT_THAT(resolver_.mxs, SizeIs(20));
  EXPECT_EQ(counts_.lost, 10U);
}

}  // namespace
}  // namespace mtasts
