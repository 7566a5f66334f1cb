// What tlsrpt-collectd is handed, and when; scripted DNS, a real socket.
#include "module/tlsrpt/tlsrpt.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "module/client.h"
#include "module/io/wall_clock.h"
#include "tests/unit/core/builders.h"
#include "tests/unit/module/fakes.h"
#include "tests/unit/module/scratch.h"

namespace mtasts {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr char kRecord[] = "v=TLSRPTv1; rua=mailto:r@example.com";

class Collector : public testing::Test {
 protected:
  Collector() { open(); }
  // Another process.
  void open(std::size_t dns_places = 200) {
    end();
    counts_ = {};
    socket_ = std::make_shared<TlsrptSocket>(TlsrptSocket::Deps{loop_, log_, counts_}, scratch_.path(), path_);
    reports_ = on_socket(dns_places);
    reports_->check_collector(TlsReports::When::kNow);
  }
  std::unique_ptr<TlsReports> on_socket(std::size_t dns_places = 200) {
    const TlsReports::Deps parts{
        resolver_, store_, scratch_.path(), [this] { return now_; }, [this] { return steady_; }, dns_places};
    return std::make_unique<TlsReports>(parts, socket_);
  }
  void reload() {
    socket_ = TlsrptSocket::keep(socket_, {loop_, log_, counts_}, scratch_.path(), path_);
    reports_ = on_socket();
  }
  void end() {
    reports_.reset();
    socket_.reset();
  }
  void listen() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof(address.sun_path) - 1);
    ASSERT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    log_.lines.clear();
    open();
    cache("testing");
  }
  void cache(const char* mode, const std::string& domain = "example.com") {
    ASSERT_TRUE(store_.put({test::domain(domain),
                            {RecordMemory::State::kFound, now_ + std::chrono::hours(1), "1", {}},
                            test::stored_policy("1", now_, test::policy_body(mode, 604'800)),
                            {}}));
  }
  void pass(seconds time) {
    steady_ += time;
    now_ += time;
  }
  void TearDown() override { ::close(fd_); }
  void report(const std::string& host = "mx.example.com", Result<void> result = {},
              const std::string& domain = "example.com") {
    reports_->report(test::domain(domain), host, {std::move(result), "192.0.2.9", "192.0.2.1"}, steady_ + minutes(10));
  }
  // As if an hour had passed since the last warning that nobody listens.
  void age_stamp() {
    const std::string stamp = scratch_.path() + "/.due-tlsrpt-nobody";
    const std::array<timespec, 2> long_ago{timespec{1, 0}, timespec{1, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, stamp.c_str(), long_ago.data(), 0), 0);
  }
  // "" when there is none.
  std::string datagram() const {
    std::string bytes(100'000, '\0');
    const auto got = ::recv(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT);
    bytes.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return bytes;
  }
  void answer(const std::vector<std::string>& records = {kRecord}) {
    const auto asked = std::exchange(resolver_.txts, {});
    for (const auto& [name, done] : asked) done(FakeResolver::found(records));
  }

  void fail_dns(ErrorCode code) {
    const auto asked = std::exchange(resolver_.txts, {});
    for (const auto& [name, done] : asked) done(fail(code, "no answer"));
  }

  Scratch scratch_;
  std::string path_ = scratch_.path() + "/collectd.sock";
  int fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  WallTime now_ = mtasts::now();
  SteadyTime steady_{std::chrono::seconds(1000)};
  FakeLoop loop_;
  FakeResolver resolver_;
  FakeLog log_;
  FileStore store_{scratch_.path(), log_};
  TlsrptCounts counts_;
  std::shared_ptr<TlsrptSocket> socket_;
  std::unique_ptr<TlsReports> reports_;
};

TEST_F(Collector, R31R32IsHandedWhatTheDomainWantsToKnow) {
  listen();
  report();
  ASSERT_THAT(resolver_.txts, SizeIs(1));
  EXPECT_EQ(resolver_.txts.at(0).first, "_smtp._tls.example.com");
  EXPECT_EQ(datagram(), "");
  answer();
  const auto sent = json::parse(datagram());
  EXPECT_EQ(sent["pr"], kRecord);
  EXPECT_EQ(sent["policies"][0]["policy-string"][1], "mode: testing");
  EXPECT_THAT(log_.lines, IsEmpty());
}

TEST_F(Collector, R31IsHandedNothingOfDomainsThatAskForNothing) {
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

TEST_F(Collector, WhatWaitsForDnsThatFailsIsCountedAsLost) {
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
TEST_F(Collector, R31WhatCouldNotBeAskedForFromHereIsLostAndAskedForAgainSoon) {
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

TEST_F(Collector, R31WhatAnotherProcessLearntMeanwhileCounts) {
  listen();
  report("mx1.example.com");
  fail_dns(ErrorCode::kLocalFault);
  ReportWishes(scratch_.path()).put(test::domain(), {kRecord, now_ + seconds(300)});
  report("mx2.example.com");
  EXPECT_NE(datagram(), "");
}

TEST_F(Collector, IsHandedNothingOfPoliciesThatDemandNothing) {
  listen();
  cache("none");
  report();
  report("mx.example.net", {}, "nopolicy.example");
  EXPECT_THAT(resolver_.txts, IsEmpty());
  EXPECT_EQ(datagram(), "");
}

TEST_F(Collector, DnsIsNotAskedForWhatIsNotReported) {
  report("mx.example.com", fail(ErrorCode::kUnreachable, "no connection"));
  EXPECT_THAT(resolver_.txts, IsEmpty());
}

TEST_F(Collector, EachSessionIsReportedOnceForAsLongAsItIsCached) {
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

TEST_F(Collector, R23TheDomainsWishIsCachedForItsTime) {
  listen();
  report("mx1.example.com");
  answer();
  report("mx2.example.com");
  EXPECT_THAT(resolver_.txts, IsEmpty());
  pass(seconds(301));  // the answers of these tests have a TTL of 300 s
  report("mx3.example.com");
  EXPECT_THAT(resolver_.txts, SizeIs(1));
}

TEST_F(Collector, R31ADomainIsAskedOnceByAllProcessesOfAStore) {
  listen();
  report("mx1.example.com");
  answer();
  open();
  report("mx2.example.com");
  EXPECT_THAT(resolver_.txts, IsEmpty());
  EXPECT_NE(datagram(), "");
  EXPECT_NE(datagram(), "");
}

TEST_F(Collector, R31WhatIsLearntBeforeASessionIsNotAskedForAgain) {
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

TEST_F(Collector, R32APolicyThatCannotBeHadIsToldOnceForADelivery) {
  listen();
  const Error failure{ErrorCode::kWebPkiInvalid, "the certificate of mta-sts.example.com has expired"};
  // Sendmail asks three times for each.
  for (int i = 0; i < 3; ++i) reports_->report_policy_failure(test::domain(), failure, "");
  answer();
  const auto sent = json::parse(datagram());
  EXPECT_EQ(sent["policies"][0], json::parse(R"({"policy-type":2,"policy-domain":"example.com","failure-details":
    [{"c":303,"f":"the certificate of mta-sts.example.com has expired"}],"t":1,"f":1})"));
  EXPECT_EQ(datagram(), "");
  for (int i = 0; i < 2; ++i) reports_->report_policy_failure(test::domain(), failure, "uid 0 4711");
  EXPECT_NE(datagram(), "") << "where it is known that it is another one";
  EXPECT_EQ(datagram(), "");
  pass(seconds(61));
  reports_->report_policy_failure(test::domain(), failure, "");
  EXPECT_NE(datagram(), "");
}

class CollectorOfUnlisted : public Collector {
 protected:
  TlsSession session_ = sts_session(test::domain(), test::policy_body(), {"mx.example.com"});
  void ask(const std::vector<MxRecord>& hosts) {
    reports_->report_unlisted(session_);
    for (const auto& [name, done] : std::exchange(resolver_.mxs, {}))
      done(DnsAnswer<MxRecord>{DnsAnswer<MxRecord>::Kind::kFound, hosts, seconds(300), false});
    answer();
  }
};

TEST_F(CollectorOfUnlisted, R24AnMxThatThePolicyDoesNotListIsToldByItsNameEachTime) {
  listen();
  for (int i = 0; i < 2; ++i) {
    ask({{10, "mx.example.com"}, {20, "MX.example.net"}, {30, "not a name"}});
    const auto sent = json::parse(datagram());
    EXPECT_EQ(sent["policies"][0]["failure-details"], json::parse(R"([{"c":205,"n":"mx.example.net",
      "f":"the policy does not list this MX"}])"));
    EXPECT_EQ(datagram(), "");
  }
}

TEST_F(CollectorOfUnlisted, R24WhereAllAreListedMxRecordsAreNotAskedForAgainSoon) {
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

TEST_F(CollectorOfUnlisted, R29HostsThatDaneJudgesAreNotTold) {
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

TEST_F(CollectorOfUnlisted, R31DnsIsNotAskedForDomainsThatWantNoReports) {
  listen();
  reports_->learn(test::domain());
  answer({"v=spf1 -all"});
  reports_->report_unlisted(session_);
  EXPECT_THAT(resolver_.mxs, IsEmpty());
}

TEST_F(CollectorOfUnlisted, OnceADeliveryWhereThatIsKnownElseOnceAMinute) {
  listen();
  for (int i = 0; i < 3; ++i) reports_->report_unlisted_once(session_, "");
  EXPECT_THAT(resolver_.mxs, SizeIs(1));
  for (int i = 0; i < 3; ++i, pass(seconds(40))) reports_->report_unlisted_once(session_, "uid 0 4711");
  EXPECT_THAT(resolver_.mxs, SizeIs(2)) << "a long list is one delivery";
  pass(seconds(61));
  reports_->report_unlisted_once(session_, "uid 0 4711");
  EXPECT_THAT(resolver_.mxs, SizeIs(3)) << "another process with the same number";
}

TEST_F(CollectorOfUnlisted, WhereTheDeliveryIsNotKnownAMinuteIsOneHoweverOftenItIsAsked) {
  listen();
  for (int i = 0; i < 3; ++i, pass(seconds(40))) reports_->report_unlisted_once(session_, "");
  EXPECT_THAT(resolver_.mxs, SizeIs(2));
}

TEST_F(CollectorOfUnlisted, R31WhatCouldNotBeAskedForIsCountedAsLost) {
  listen();
  reports_->report_unlisted(session_);
  for (const auto& [name, done] : std::exchange(resolver_.mxs, {})) done(fail(ErrorCode::kNotTried, "no room"));
  EXPECT_EQ(counts_.lost, 1U);
  fail_dns(ErrorCode::kNotTried);
  reports_->report_unlisted(session_);
  EXPECT_THAT(resolver_.mxs, IsEmpty()) << "whether a report is wanted could not be asked for either";
  EXPECT_EQ(counts_.lost, 2U);
}

TEST_F(CollectorOfUnlisted, WhatFindsNoPlaceForItsQuestionIsCountedAsLost) {
  listen();
  for (int i = 0; i < 30; ++i)
    reports_->report_unlisted(
        sts_session(test::domain("silent" + std::to_string(i) + ".example"), test::policy_body(), {"mx.example.com"}));
  EXPECT_THAT(resolver_.mxs, SizeIs(20));
  EXPECT_EQ(counts_.lost, 10U);
}

TEST_F(Collector, WhatIsSentAndWhatIsLostIsCounted) {
  listen();
  report("mx1.example.com");
  EXPECT_FALSE(reports_->is_idle());
  answer();
  EXPECT_TRUE(reports_->is_idle());
  report("mx2.example.com", fail(ErrorCode::kValidationFailure, std::string(500'000, 'x')));
  EXPECT_EQ(counts_.sent, 1);
  EXPECT_EQ(counts_.lost, 1);
}

TEST_F(Collector, TheWarningSaysHowManySessionsWereLost) {
  cache("enforce");
  report("mx1.example.com");
  answer();
  for (const char* host : {"mx2.example.com", "mx3.example.com"}) report(host);
  age_stamp();
  report("mx4.example.com");
  EXPECT_THAT(log_.lines.back(), HasSubstr(" sessions=3 "));
}

TEST_F(Collector, TheWarningSaysHowManySessionsOtherProcessesLost) {
  cache("enforce");
  report("mx1.example.com");
  answer();
  EXPECT_THAT(log_.lines.back(), HasSubstr(" sessions=1 "));
  const auto other = std::move(reports_);
  open();
  for (const char* host : {"mx2.example.com", "mx3.example.com", "mx4.example.com"}) report(host);
  end();
  age_stamp();
  other->report(test::domain(), "mx5.example.com", {{}, "", ""}, steady_ + minutes(1));
  EXPECT_THAT(log_.lines.back(), HasSubstr(" sessions=4 "));
}

TEST_F(Collector, WhatIsLostWithinTheHourIsToldAfterIt) {
  cache("enforce");
  report("mx1.example.com");
  answer();
  for (const char* host : {"mx2.example.com", "mx3.example.com"}) report(host);
  log_.lines.clear();
  age_stamp();
  loop_.advance(minutes(61));
  EXPECT_THAT(log_.lines, ElementsAre(AllOf(HasSubstr("nobody listens there: "), HasSubstr(" sessions=2 "))));
  age_stamp();
  loop_.advance(minutes(1000));
  EXPECT_THAT(log_.lines, SizeIs(1));
}

TEST_F(Collector, WhatAnotherProcessHasToldOfIsNotToldAgain) {
  cache("enforce");
  report("mx1.example.com");
  answer();
  report("mx2.example.com");
  const auto other = std::move(reports_);
  open();  // which looks whether anybody listens
  EXPECT_THAT(log_.lines.back(), HasSubstr(" sessions=1 "));
  log_.lines.clear();
  age_stamp();
  loop_.advance(minutes(61));
  EXPECT_THAT(log_.lines, IsEmpty());
}

// Such as a helper that Exim's transport starts.
TEST_F(Collector, AUserWhoMayNotWriteTheStoreWarnsAllTheSame) {
  if (::geteuid() != 0) GTEST_SKIP() << "takes root";
  cache("enforce");
  std::filesystem::remove(scratch_.path() + "/.due-tlsrpt-nobody");
  ::chmod(scratch_.path().c_str(), 0755);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setresuid(65534, 65534, 65534) != 0) ::_exit(2);
    log_.lines.clear();
    for (const char* host : {"mx1.example.com", "mx2.example.com"}) {
      report(host);
      answer();
    }
    const bool is_told = log_.lines.size() == 1 && log_.lines[0].find("nobody listens there") != std::string::npos;
    ::_exit(is_told ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(Collector, OneDomainHasOneQuestionAndTwentySessionsWaiting) {
  listen();
  for (int i = 0; i < 100; ++i) report("mx" + std::to_string(i) + ".example.com");
  EXPECT_THAT(resolver_.txts, SizeIs(1));
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("event=tlsrpt-lost")));
  answer();
  loop_.advance(seconds(1));
  int sent = 0;
  while (!datagram().empty() || (loop_.advance(seconds(1)), !datagram().empty())) ++sent;
  EXPECT_EQ(sent, 20);
}

// So that no answer that mail waits for has to wait for these.
TEST_F(Collector, NameServersThatAreSilentTakeTwentyQuestions) {
  listen();
  for (int i = 0; i < 100; ++i) cache("testing", "silent" + std::to_string(i) + ".example");
  for (int i = 0; i < 100; ++i) report("mx.example.com", {}, "silent" + std::to_string(i) + ".example");
  EXPECT_THAT(resolver_.txts, SizeIs(20));
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("name servers are slow")));
  resolver_.txts.clear();
  open(12);
  for (int i = 0; i < 100; ++i) report("mx.example.com", {}, "silent" + std::to_string(i) + ".example");
  EXPECT_THAT(resolver_.txts, SizeIs(3)) << "a quarter of what the resolver has places for";
}

TEST_F(Collector, WhatIsTooLargeIsToldAndIsNotItsFault) {
  listen();
  report("mx1.example.com");
  answer();
  EXPECT_NE(datagram(), "");
  report("mx2.example.com", fail(ErrorCode::kValidationFailure, std::string(500'000, 'x')));
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("too large")));
  report("mx3.example.com");
  EXPECT_NE(datagram(), "");
  EXPECT_THAT(log_.lines, SizeIs(1));
}

TEST_F(Collector, OneThatIsNotThereIsToldAtTheStartAndOnceAnHour) {
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("event=tlsrpt-lost socket=" + path_ + " detail=\"nobody listens")));
  log_.lines.clear();
  cache("enforce");
  for (const char* host : {"mx1.example.com", "mx2.example.com"}) {
    report(host);
    answer();
  }
  EXPECT_THAT(log_.lines, SizeIs(1));
}

TEST_F(Collector, WhatTheSystemSaysIsTold) {
  log_.lines.clear();
  path_ = scratch_.path();  // a folder is no socket
  open();
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("detail=\"nobody listens there: Connection refused\"")));
  ::close(fd_);
  fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  path_ += "/stream.sock";
  log_.lines.clear();
  listen();
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("refuses it: Protocol wrong type for socket\"")));
}

TEST_F(Collector, OneThatComesLaterIsToldOfAndHandedWhatCameSince) {
  cache("enforce");
  report("mx1.example.com");
  answer();
  const auto reports = std::move(reports_);
  listen();
  log_.lines.clear();
  reports->report(test::domain(), "mx2.example.com", {{}, "", ""}, steady_ + minutes(1));
  EXPECT_NE(datagram(), "");
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("event=tlsrpt-reached")));
}

// The kernel keeps no more than a few datagrams for it.
TEST_F(Collector, OneThatIsBusyForAMomentGetsEverything) {
  listen();
  report("mx.example.com");
  answer();
  for (int i = 0; i < 99; ++i) report("mx" + std::to_string(i) + ".example.com");
  int got = 0;
  for (int round = 0; round < 100; ++round, loop_.advance(milliseconds(100)))
    while (!datagram().empty()) ++got;
  EXPECT_EQ(got, 100);
  EXPECT_THAT(log_.lines, IsEmpty());
}

TEST_F(Collector, OneThatHangsHoldsNobodyUp) {
  listen();
  report("mx.example.com");
  answer();
  for (int i = 0; i < 2000; ++i) report("mx" + std::to_string(i) + ".example.com");
  loop_.advance(seconds(10));
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("does not keep up")));
}

TEST_F(Collector, WhatWasNotSentAtTheEndIsTold) {
  listen();
  report("mx.example.com");
  answer();
  for (int i = 0; i < 30; ++i) report("mx" + std::to_string(i) + ".example.com");
  EXPECT_THAT(log_.lines, IsEmpty());
  end();
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("event=tlsrpt-lost")));
}

TEST_F(Collector, OneThatHasRoomAtTheEndGetsWhatItHasRoomFor) {
  listen();
  report("mx.example.com");
  answer();
  for (int i = 0; i < 30; ++i) report("mx" + std::to_string(i) + ".example.com");
  std::uint64_t got = 0;
  while (!datagram().empty()) ++got;
  end();
  while (!datagram().empty()) ++got;
  EXPECT_EQ(counts_.sent, got);
  EXPECT_EQ(counts_.lost, 31 - got);
  EXPECT_GT(got, 15U) << "what was there, and as much again";
}

TEST_F(Collector, WhatWaitsForDnsAtTheEndIsLost) {
  listen();
  report();
  end();
  EXPECT_EQ(counts_.lost, 1U);
  EXPECT_THAT(log_.lines, ElementsAre(AllOf(HasSubstr("could not be asked for from here"), HasSubstr(" sessions=1 "))));
}

TEST_F(Collector, OneThatIsBusyGetsWhatCameBeforeAReload) {
  listen();
  report("mx.example.com");
  answer();
  for (int i = 0; i < 30; ++i) report("mx" + std::to_string(i) + ".example.com");
  reload();
  std::uint64_t got = 0;
  for (int round = 0; round < 100; ++round, loop_.advance(milliseconds(100)))
    while (!datagram().empty()) ++got;
  EXPECT_EQ(got, 31U);
  EXPECT_EQ(counts_.sent, 31U);
  EXPECT_EQ(counts_.lost, 0U);
}

// Sendmail's three questions.
TEST_F(Collector, R32ADeliveryIsToldOnceOverAReload) {
  listen();
  reports_->learn(test::domain());
  answer();
  for (int i = 0; i < 2; ++i, reload())
    reports_->report_policy_failure(test::domain(), {ErrorCode::kPolicyFetch, "status 404"}, "");
  EXPECT_NE(datagram(), "");
  EXPECT_EQ(datagram(), "");
}

TEST_F(Collector, TheSocketOutlivesAReloadAsLongAsItLeadsToTheSamePlace) {
  const TlsrptSocket::Deps deps{loop_, log_, counts_};
  const std::string store = scratch_.path();
  EXPECT_EQ(TlsrptSocket::keep(socket_, deps, store, path_), socket_);
  EXPECT_NE(TlsrptSocket::keep(socket_, deps, store, path_ + "2"), socket_);
  EXPECT_NE(TlsrptSocket::keep(socket_, deps, store + "/other", path_), socket_);
  EXPECT_EQ(TlsrptSocket::keep(socket_, deps, store, ""), nullptr);
}

}  // namespace
}  // namespace mtasts
