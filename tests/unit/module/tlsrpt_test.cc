// What tlsrpt-collectd is handed, and when; scripted DNS, a real socket.
#include "module/tlsrpt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "tests/unit/core/builders.h"
#include "tests/unit/module/fakes.h"
#include "tests/unit/module/scratch.h"

namespace mtasts {
namespace {

using nlohmann::json;
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
  ASSERT_TRUE(is_reported(failed));
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
    EXPECT_TRUE(is_reported(failed));
    EXPECT_EQ(json::parse(tlsrpt_datagram(failed, kRecord))["policies"][0]["failure-details"][0]["c"], number);
  }
  for (const auto code : {ErrorCode::kUnreachable, ErrorCode::kEngine, ErrorCode::kDnsFailure, ErrorCode::kInvalidName})
    EXPECT_FALSE(is_reported(session(fail(code, "why"))));
}

TEST(TlsrptDatagram, ForeignBytesLeaveItOneJsonText) {
  auto failed = session(fail(ErrorCode::kValidationFailure, "a \" and \xff"));
  EXPECT_TRUE(json::accept(tlsrpt_datagram(failed, kRecord)));
}

class Collector : public testing::Test {
 protected:
  void listen() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof(address.sun_path) - 1);
    ASSERT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  }
  void TearDown() override { ::close(fd_); }
  // "" when there is none.
  std::string datagram() {
    std::string bytes(100'000, '\0');
    const auto got = ::recv(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT);
    bytes.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return bytes;
  }
  void answer(const std::vector<std::string>& records) {
    const auto asked = std::exchange(resolver_.txts, {});
    for (const auto& [name, done] : asked) done(FakeResolver::found(records));
  }

  Scratch scratch_;
  std::string path_ = scratch_.path() + "/collectd.sock";
  int fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  FakeResolver resolver_;
  FakeLog log_;
  FileStore store_{scratch_.path(), log_};
  TlsReports reports_{resolver_, store_, log_, path_};
};

TEST_F(Collector, R31IsHandedWhatTheDomainWantsToKnow) {
  listen();
  reports_.report(session({}));
  ASSERT_THAT(resolver_.txts, SizeIs(1));
  EXPECT_EQ(resolver_.txts.at(0).first, "_smtp._tls.example.com");
  EXPECT_EQ(datagram(), "");
  answer({kRecord});
  EXPECT_EQ(datagram(), tlsrpt_datagram(session({}), kRecord));
}

TEST_F(Collector, R31IsHandedNothingOfDomainsThatAskForNothing) {
  listen();
  reports_.report(session({}));
  answer({"v=spf1 -all"});
  reports_.report(session({}));
  resolver_.txts.at(0).second(fail(ErrorCode::kDnsTimeout, "silence"));
  EXPECT_EQ(datagram(), "");
  EXPECT_THAT(log_.lines, IsEmpty());
}

TEST_F(Collector, DnsIsNotAskedForWhatIsNotReported) {
  reports_.report(session(fail(ErrorCode::kUnreachable, "no connection")));
  EXPECT_THAT(resolver_.txts, IsEmpty());
}

TEST_F(Collector, OneThatIsNotThereIsAWarningOnceAnHour) {
  for (int i = 0; i < 3; ++i) {
    reports_.report(session({}));
    answer({kRecord});
  }
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("event=tlsrpt-lost socket=" + path_ + " detail=\"No such file")));
}

TEST_F(Collector, NotMoreThanSoManySessionsWaitForDns) {
  for (int i = 0; i < 1000; ++i) reports_.report(session({}));
  EXPECT_THAT(resolver_.txts, SizeIs(200));
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("event=tlsrpt-lost")));
  answer({});
  reports_.report(session({}));
  EXPECT_THAT(resolver_.txts, SizeIs(1));
}

TEST_F(Collector, OneThatDoesNotKeepUpHoldsNobodyUp) {
  listen();
  for (int i = 0; i < 2000; ++i) {
    reports_.report(session({}));
    answer({kRecord});
  }
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("event=tlsrpt-lost")));
}

}  // namespace
}  // namespace mtasts
