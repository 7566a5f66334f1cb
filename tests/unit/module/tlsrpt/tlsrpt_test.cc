// What tlsrpt-collectd is handed, and when; scripted DNS, a real socket.
#include "module/tlsrpt/tlsrpt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "module/client.h"
#include "module/io/wall_clock.h"
#include "module/tlsrpt/datagram.h"
#include "tests/unit/core/builders.h"
#include "tests/unit/module/fakes.h"
#include "tests/unit/module/scratch.h"

namespace mtasts {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr char kRecord[] = "v=TLSRPTv1; rua=mailto:r@example.com";

TlsSession session(Result<void> result) {
  const std::string body =
      "version: STSv1\r\nmode: testing\n\nmx: mx.example.com\nmax_age: 86400\nnote: \"\xc3\xa4\"\n";
  return {test::domain(),
          test::stored_policy("1", test::kNow, body),
          "mx.example.com",
          {std::move(result), "192.0.2.9", "192.0.2.1"}};
}

// As libtlsrpt 0.5.0 wrote it, given the same.
TEST(TlsrptDatagram, R32R33AFailedSessionIsWhatLibtlsrptWouldSend) {
  const auto failed = session(fail(ErrorCode::kCertificateExpired, "certificate of mx.example.com is expired"));
  ASSERT_TRUE(is_reported(failed.trial));
  EXPECT_EQ(json::parse(tlsrpt_datagram(failed, kRecord)), json::parse(R"({
    "d": "example.com","pr": "v=TLSRPTv1; rua=mailto:r@example.com","policies":[{"policy-type":2,
    "policy-domain": "example.com",
    "policy-string":["version: STSv1","mode: testing","mx: mx.example.com","max_age: 86400","note: \"ä\""],
    "mx-host":["mx.example.com"],"failure-details":[{"c":204,"s": "192.0.2.9","n": "mx.example.com",
    "r": "192.0.2.1","f": "certificate of mx.example.com is expired"}],"t":1,"f":1}]})"));
}

TEST(TlsrptDatagram, R32ASuccessfulSessionHasNoDetails) {
  const auto policy = json::parse(tlsrpt_datagram(session({}), kRecord))["policies"][0];
  EXPECT_FALSE(policy.contains("failure-details"));
  EXPECT_EQ(policy["t"], 0);
  EXPECT_EQ(policy["f"], 0);
}

TEST(TlsrptDatagram, AddressesThatAreNotKnownAreLeftOut) {
  auto unlisted = session(fail(ErrorCode::kValidationFailure, "the policy does not name it"));
  unlisted.trial.own_address.clear();
  unlisted.trial.mx_address.clear();
  const auto details = json::parse(tlsrpt_datagram(unlisted, kRecord))["policies"][0]["failure-details"][0];
  EXPECT_FALSE(details.contains("s"));
  EXPECT_FALSE(details.contains("r"));
}

TEST(TlsrptDatagram, R32EachResultTypeHasItsNumberAndOnlyThoseAreReported) {
  const std::pair<ErrorCode, int> numbers[] = {
      {ErrorCode::kStartTlsNotSupported, 201},  {ErrorCode::kCertificateHostMismatch, 202},
      {ErrorCode::kCertificateNotTrusted, 203}, {ErrorCode::kCertificateExpired, 204},
      {ErrorCode::kValidationFailure, 205},
  };
  for (const auto& [code, number] : numbers) {
    const auto failed = session(fail(code, "why"));
    EXPECT_TRUE(is_reported(failed.trial));
    EXPECT_EQ(json::parse(tlsrpt_datagram(failed, kRecord))["policies"][0]["failure-details"][0]["c"], number);
  }
  for (const auto code :
       {ErrorCode::kUnreachable, ErrorCode::kNotTried, ErrorCode::kDnsFailure, ErrorCode::kInvalidName})
    EXPECT_FALSE(is_reported(session(fail(code, "why")).trial));
}

TEST(TlsrptDatagram, ForeignBytesLeaveItOneJsonText) {
  auto failed = session(fail(ErrorCode::kValidationFailure, "a \" and \xff"));
  EXPECT_TRUE(json::accept(tlsrpt_datagram(failed, kRecord)));
}

class Collector : public testing::Test {
 protected:
  Collector() { open(); }
  void open(std::size_t dns_places = 200) {
    const TlsReports::Deps parts{
        loop_, resolver_, store_, log_, [this] { return now_; }, [this] { return steady_; }, dns_places};
    reports_ = std::make_unique<TlsReports>(parts, path_);
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
  void TearDown() override { ::close(fd_); }
  void report(const std::string& host = "mx.example.com", Result<void> result = {},
              const std::string& domain = "example.com") {
    reports_->report(test::domain(domain), host, {std::move(result), "192.0.2.9", "192.0.2.1"}, steady_ + minutes(10));
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

  Scratch scratch_;
  std::string path_ = scratch_.path() + "/collectd.sock";
  int fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  WallTime now_ = mtasts::now();
  SteadyTime steady_{std::chrono::seconds(1000)};
  FakeLoop loop_;
  FakeResolver resolver_;
  FakeLog log_;
  FileStore store_{scratch_.path(), log_};
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
  resolver_.txts.at(0).second(fail(ErrorCode::kDnsTimeout, "silence"));
  EXPECT_EQ(datagram(), "");
  EXPECT_THAT(log_.lines, IsEmpty());
}

TEST_F(Collector, IsHandedNothingOfPoliciesThatDemandNothing) {
  listen();
  cache("none");
  report();
  answer();
  report("mx.example.net", {}, "nopolicy.example");
  answer();
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
  steady_ += seconds(301);  // the answers of these tests have a TTL of 300 s
  report("mx3.example.com");
  EXPECT_THAT(resolver_.txts, SizeIs(1));
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
  reports_.reset();
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("event=tlsrpt-lost")));
}

}  // namespace
}  // namespace mtasts
