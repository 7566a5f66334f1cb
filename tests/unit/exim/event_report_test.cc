// What Exim's events make of connections that are reported (R32): each once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/exim/event.h"
#include "tests/unit/module/fake_log.h"

namespace mtasts {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const WallTime kNow{std::chrono::seconds(1'800'000'000)};
constexpr std::string_view kPlain = "250-mail.example.com Hello sender\n250 STARTTLS";
constexpr std::string_view kBare = "250 mail.example.com Hello sender";
constexpr std::string_view kGoodNames = "mx.example.com";

class EximReports : public testing::Test {
 protected:
  void raise(std::string_view name, std::string_view data,
             const std::string& facts = "tlsa=0 cv=0 ver=", std::string_view error = "0") {
    raise_at("192.0.2.1", "MX.example.com", name, data, facts, error);
  }
  void raise_at(std::string_view address, std::string_view host, std::string_view name, std::string_view data,
                const std::string& facts = "tlsa=0 cv=0 ver=", std::string_view error = "0") {
    const auto session = SessionFacts::read("mode=" + mode_ + " src=192.0.2.9 " + facts);
    ASSERT_TRUE(session);
    watcher_.on({name, data, "example.com", host, address, error, *session}, kNow);
  }
  void connect(std::string_view ehlo = kPlain) {
    raise("tcp:connect", "");
    raise("smtp:ehlo", ehlo);
  }
  void certificate(std::string_view names = kGoodNames, const std::string& not_after = "1900000000") {
    raise("tls:cert", "0", "tlsa=0 cv=0 ver= notafter=" + not_after + " san=" + std::string(names));
  }
  void secured(const std::string& facts = "tlsa=0 cv=1 ver=TLS1.3") { raise("smtp:ehlo", kBare, facts); }
  void defer(std::string_view error, std::string_view why = "why") {
    raise("msg:host:defer", why, "tlsa=0 cv=0 ver=", error);
  }
  [[nodiscard]] std::vector<int> results() const {
    std::vector<int> numbers;
    for (const TlsSession& session : told_) numbers.push_back(static_cast<int>(session.result));
    return numbers;
  }

  std::string mode_ = "enforce";
  std::vector<TlsSession> told_;
  Decision decision_ = [] {
    Decision decision;
    decision.kind = Decision::Kind::kPolicy;
    decision.mode = Mode::kEnforce;
    decision.domain = "example.com";
    decision.id = "1";
    decision.mx = {"mx.example.com"};
    decision.body = "version: STSv1\r\nmode: enforce\r\nmx: mx.example.com\r\nmax_age: 86400\r\n";
    return decision;
  }();
  std::shared_ptr<Lines> log_ = std::make_shared<Lines>();
  FakeLog sink_{log_};
  const EventWatcher::Report report_ = [this](const TlsSession& session) { told_.push_back(session); };
  EventWatcher watcher_{[this](std::string_view) { return decision_; }, sink_, &report_};
};

TEST_F(EximReports, R32AGoodConnectionIsOneSessionWhateverFollows) {
  connect();
  certificate();
  secured();
  raise("msg:delivery", "");
  raise("msg:delivery", "");
  raise("msg:host:defer", "452 too many recipients", "tlsa=0 cv=0 ver=", "-44");
  raise("tcp:close", "");
  ASSERT_THAT(told_, SizeIs(1));
  const TlsSession& session = told_.front();
  EXPECT_EQ(session.result, TlsResult::kSuccess);
  EXPECT_EQ(session.type, TlsSession::PolicyType::kSts);
  EXPECT_EQ(session.policy_domain, "example.com");
  EXPECT_THAT(session.strings, ElementsAre("version: STSv1", "mode: enforce", "mx: mx.example.com", "max_age: 86400"));
  EXPECT_THAT(session.patterns, ElementsAre("mx.example.com"));
  EXPECT_EQ(session.mx_host, "mx.example.com");
  EXPECT_EQ(session.mx_helo, "mail.example.com");
  EXPECT_EQ(session.mx_address, "192.0.2.1");
  EXPECT_EQ(session.own_address, "192.0.2.9");
}

TEST_F(EximReports, R32EnforceWhatIsRefusedIsOneFailure) {
  connect(kBare);
  raise("tcp:close", "");
  defer("-38");
  connect();
  certificate("other.example.net");
  raise("tcp:close", "");
  defer("-37");
  connect();
  certificate(kGoodNames, "1700000000");
  defer("-37");
  connect();
  certificate();
  defer("-37", "TLS session: (certificate verification failed): certificate invalid");
  connect();
  defer("-37");
  EXPECT_THAT(results(), ElementsAre(201, 202, 204, 203, 205));
}

// RFC 7672 §3.2.3: an authority in TLSA records is one for this host alone; for a certificate in them no name counts.
TEST_F(EximReports, R29WhereTlsaNamesAnAuthorityTheCertificateMustNameTheHost) {
  const auto refused_with = [&](const std::string& usages, const std::string& names) {
    connect();
    const auto session = SessionFacts::read("mode=enforce tlsa=" + usages + " cv=0 ver= san=" + names);
    return watcher_.on({"tls:cert", "0", "example.com", "MX.example.com", "192.0.2.1", "0", *session}, kNow);
  };
  for (const char* usages : {"4", "5"})
    EXPECT_EQ(refused_with(usages, "www.example.net").find("the certificate is for www.example.net"), 0U) << usages;
  EXPECT_EQ(refused_with("4", "").find("the certificate has no DNS name"), 0U);
  defer("-37");
  EXPECT_THAT(results(), ElementsAre(202));
  EXPECT_EQ(told_.front().type, TlsSession::PolicyType::kTlsa);
  for (const char* names : {"mx.example.com", "www.example.net:*.example.com", "example.com"})
    EXPECT_EQ(refused_with("4", names), "") << names;
  for (const char* usages : {"8", "12", "0"})
    EXPECT_EQ(refused_with(usages, usages == std::string("0") ? "mx.example.com" : "www.example.net"), "") << usages;
}

// The MX or somebody on the path ends it, with an alert or without: nothing is wrong with the certificate.
TEST_F(EximReports, R32EnforceAHandshakeThatEndsAfterAGoodCertificateIsNoFailureOfTheCertificate) {
  for (const char* why : {"TLS session: (gnutls_handshake): A TLS fatal alert has been received.",
                          "TLS session: (SSL_connect): error:0A000126:SSL routines::unexpected eof while reading"}) {
    connect();
    certificate();
    defer("-37", why);
  }
  EXPECT_THAT(results(), ElementsAre(205, 205));
}

// Exim's numbers for a connection that the server has closed, and for a time that is over.
TEST_F(EximReports, R32EnforceAConnectionThatIsCutAtStartTlsIsOneFailure) {
  for (const char* error : {"-18", "110"}) {
    connect();
    raise("tcp:close", "");
    defer(error);
    defer(error);
  }
  EXPECT_THAT(results(), ElementsAre(205, 205));
  EXPECT_THAT(told_.front().reason, testing::HasSubstr("ended before the session was secured: why"));
}

TEST_F(EximReports, WhatEndsBeforeOrAfterStartTlsIsNoFailureOfTls) {
  connect(kBare);
  defer("-18");
  connect();
  certificate();
  secured();
  defer("-18");
  EXPECT_THAT(results(), ElementsAre(0));
}

TEST_F(EximReports, R27TestingWhatEnforceWouldHaveRefusedIsOneFailure) {
  mode_ = "testing";
  connect(kBare);
  raise("tcp:close", "");
  connect();
  certificate("other.example.net");
  secured("tlsa=0 cv=0 ver=TLS1.3");
  raise("tcp:close", "");
  connect();
  certificate();
  secured("tlsa=0 cv=1 ver=TLS1.1");
  raise("tcp:close", "");
  connect();
  raise("tcp:close", "");
  connect();
  certificate();
  secured();
  raise("tcp:close", "");
  EXPECT_THAT(results(), ElementsAre(201, 202, 205, 205, 0));
}

TEST_F(EximReports, R27TestingAnMxThatThePolicyDoesNotNameIsToldByItsName) {
  mode_ = "testing";
  decision_.mx = {"other.example.com"};
  connect();
  certificate("other.example.net");
  secured("tlsa=0 cv=0 ver=TLS1.3");
  ASSERT_THAT(told_, SizeIs(1));
  EXPECT_EQ(told_.front().result, TlsResult::kValidationFailure);
  EXPECT_EQ(told_.front().mx_host, "mx.example.com");
  EXPECT_EQ(told_.front().mx_address, "");
  EXPECT_EQ(told_.front().mx_helo, "");
}

// A host has several addresses, and Exim connects again in the clear where TLS fails.
TEST_F(EximReports, R27TestingAnMxThatThePolicyDoesNotNameIsToldOnceWhateverNumberOfConnectionsItTakes) {
  mode_ = "testing";
  decision_.mx = {"other.example.com"};
  for (const char* address : {"192.0.2.1", "192.0.2.1", "2001:db8::1"}) {
    raise_at(address, "mx.example.com", "tcp:connect", "");
    raise_at(address, "mx.example.com", "smtp:ehlo", kPlain);
    raise_at(address, "mx.example.com", "tcp:close", "");
  }
  EXPECT_THAT(results(), ElementsAre(205));
  raise_at("192.0.2.2", "mx2.example.com", "tcp:connect", "");
  raise_at("192.0.2.2", "mx2.example.com", "smtp:ehlo", kBare);
  EXPECT_THAT(results(), ElementsAre(205, 205)) << "another host";
  raise_at("192.0.2.1", "mx.example.com", "tcp:connect", "");
  raise_at("192.0.2.1", "mx.example.com", "smtp:ehlo", kBare, "tlsa=1 cv=0 ver=TLS1.3");
  EXPECT_THAT(results(), ElementsAre(205, 205, 0)) << "DANE judges it";
}

TEST_F(EximReports, R29ASessionThatDaneJudgesHasThePolicyTypeTlsa) {
  connect();
  secured("tlsa=8 cv=1 ver=TLS1.3");
  ASSERT_THAT(told_, SizeIs(1));
  EXPECT_EQ(told_.front().type, TlsSession::PolicyType::kTlsa);
  EXPECT_EQ(told_.front().policy_domain, "mx.example.com");
  EXPECT_EQ(told_.front().domain.text(), "example.com");
  EXPECT_THAT(told_.front().strings, IsEmpty());
}

TEST_F(EximReports, R29WhatDaneRefusesIsToldWithItsResultTypeAndOnce) {
  connect();
  raise("dane:fail", "validation-failure");
  raise("tcp:close", "");
  defer("-37");
  // No connection was made for these.
  raise("dane:fail", "dane-required");
  raise("dane:fail", "dnssec-invalid");
  raise("dane:fail", "what is this");
  EXPECT_THAT(results(), ElementsAre(205, 306, 305, 205));
  EXPECT_EQ(told_.front().mx_address, "192.0.2.1");
  for (std::size_t i = 1; i < told_.size(); ++i) {
    EXPECT_EQ(told_[i].mx_host, "mx.example.com");
    EXPECT_EQ(told_[i].mx_address, "");
    EXPECT_EQ(told_[i].own_address, "");
  }
  for (const TlsSession& session : told_) EXPECT_EQ(session.type, TlsSession::PolicyType::kTlsa);
}

TEST_F(EximReports, R32WithoutAPolicyNothingIsTold) {
  decision_.kind = Decision::Kind::kNoPolicy;
  connect();
  certificate();
  secured();
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(EximReports, WhatAnMxGreetsWithIsEscaped) {
  connect("250-\x01\"evil\" x\n250 STARTTLS");
  certificate();
  secured();
  EXPECT_EQ(told_.front().mx_helo, "\\x01\"evil\"");
}

TEST_F(EximReports, AHostThatCannotBeReachedIsNoSession) {
  raise("msg:host:defer", "Connection refused", "tlsa=0 cv=0 ver=", "111");
  raise("tcp:connect", "");
  raise("tcp:close", "");
  EXPECT_THAT(told_, IsEmpty());
}

}  // namespace
}  // namespace mtasts
