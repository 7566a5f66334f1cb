#include "adapters/exim/event.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/module/fake_log.h"

namespace mtasts {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const WallTime kNow{std::chrono::seconds(1'800'000'000)};

constexpr std::string_view kPlain = "250-mx\n250-8BITMIME\n250 STARTTLS";
constexpr std::string_view kBare = "250-mx\n250 8BITMIME";

// Exim's events as a real delivery raises them (order and values seen with Exim 4.96).
class EximEvents : public testing::Test {
 protected:
  std::string raise(std::string_view name, std::string_view data, const std::string& facts,
                    std::string_view error = "0") {
    auto session = SessionFacts::read("mode=" + mode_ + " " + facts);
    EXPECT_TRUE(session);
    return watcher_.on({name, data, "example.com", host_, "192.0.2.1", error, *session}, kNow);
  }
  void connect() { EXPECT_EQ(raise("tcp:connect", "", ""), ""); }
  void ehlo(std::string_view answer) { EXPECT_EQ(raise("smtp:ehlo", answer, "tlsa=0 dane=no cv=0 ver="), ""); }
  std::string certificate(const std::string& san, const std::string& not_after = "1900000000",
                          const std::string& tlsa = "0") {
    return raise("tls:cert", "0", "tlsa=" + tlsa + " cv=0 ver= notafter=" + not_after + " san=" + san);
  }
  void secured(const std::string& verified, const std::string& version = "TLS1.3", const std::string& tlsa = "0") {
    EXPECT_EQ(raise("smtp:ehlo", kBare, "tlsa=" + tlsa + " cv=" + verified + " ver=" + version), "");
  }
  void close() { EXPECT_EQ(raise("tcp:close", "", "tlsa=0 cv=0 ver="), ""); }
  void defer(std::string_view text, std::string_view error) {
    EXPECT_EQ(raise("msg:host:defer", text, "tlsa=0 cv=0 ver=", error), "");
  }
  // A whole session over TLS.
  void session(const std::string& san, const std::string& not_after, const std::string& verified) {
    connect();
    ehlo(kPlain);
    EXPECT_EQ(certificate(san, not_after), "");
    secured(verified);
    close();
  }
  [[nodiscard]] std::string line(const std::string& event, const std::string& result, const std::string& detail) const {
    return "warning event=" + event + " domain=example.com mx=mx.example.com ip=192.0.2.1 result=" + result +
           " by=" + by_ + " detail=\"" + detail + "\"";
  }

  std::string mode_ = "testing";
  std::string by_ = "mta-sts";
  std::string_view host_ = "mx.example.com";
  Decision decision_ = [] {
    Decision decision;
    decision.kind = Decision::Kind::kPolicy;
    decision.mode = Mode::kTesting;
    decision.domain = "example.com";
    decision.id = "1";
    decision.mx = {"mx.example.com"};
    return decision;
  }();
  std::shared_ptr<Lines> log_ = std::make_shared<Lines>();
  FakeLog sink_{log_};
  EventWatcher watcher_{[this](std::string_view) { return decision_; }, sink_, nullptr};
};

TEST_F(EximEvents, R25EnforceRefusesACertificateWithoutADnsName) {
  mode_ = "enforce";
  connect();
  ehlo(kPlain);
  EXPECT_THAT(certificate(""), testing::HasSubstr("no DNS name"));
}

TEST_F(EximEvents, R25EnforceAcceptsACertificateWithADnsName) {
  mode_ = "enforce";
  EXPECT_EQ(certificate("mx.example.com"), "");
}

TEST_F(EximEvents, R25OnlyTheCertificateOfTheMxItselfIsLookedAt) {
  mode_ = "enforce";
  EXPECT_EQ(raise("tls:cert", "1", "tlsa=0 san="), "");
}

TEST_F(EximEvents, R29AHostJudgedByDaneIsNotRefused) {
  mode_ = "enforce";
  EXPECT_EQ(certificate("", "1900000000", "8"), "");
}

// An Exim linked with OpenSSL trusts the system's authorities whatever tls_verify_certificates says.
TEST_F(EximEvents, R29AHostThatOnlyDaneAllowsIsRefusedWhereEximFindsNoTlsa) {
  mode_ = "enforce";
  decision_.mode = Mode::kEnforce;
  decision_.mx = {"other.example.com"};
  decision_.dane_hosts = {"mx.example.com"};
  EXPECT_THAT(certificate("mx.example.com"), testing::HasSubstr("does not list this MX"));
  EXPECT_EQ(certificate("mx.example.com", "1900000000", "8"), "") << "its TLSA records were found";
  decision_.mx = {"mx.example.com"};
  EXPECT_EQ(certificate("mx.example.com"), "") << "the policy lists it";
}

// The policy cannot be read at the moment: a fault of ours, and no word about who may get the mail.
TEST_F(EximEvents, R29AHostThatMayPassByDaneAloneIsRefusedWhileThatIsNotKnown) {
  mode_ = "enforce";
  decision_ = {};
  decision_.kind = Decision::Kind::kDefer;
  decision_.reason = "Input/output error";
  EXPECT_EQ(certificate("mx.example.com"), "whether the policy lists this MX is not known: Input/output error");
  EXPECT_EQ(certificate("mx.example.com", "1900000000", "8"), "") << "its TLSA records were found";
  decision_ = no_policy("nothing is cached");
  EXPECT_EQ(certificate("mx.example.com"), "") << "it has been purged, say, since the message was routed";
}

TEST_F(EximEvents, R27TestingNeverRefuses) { EXPECT_EQ(certificate(""), ""); }

TEST_F(EximEvents, R27AGoodSessionLeavesNoLine) {
  session("mx.example.com:second.example.com", "1900000000", "1");
  session("*.example.com", "1900000000", "1");
  EXPECT_THAT(log_->lines, IsEmpty());
}

TEST_F(EximEvents, R27AHostThatThePolicyDoesNotListIsLogged) {
  decision_.mx = {"other.example.com"};
  session("mx.example.com", "1900000000", "1");
  EXPECT_THAT(log_->lines,
              ElementsAre(line("testing-failure", "validation-failure", "the policy (id 1) does not list this MX")));
}

TEST_F(EximEvents, R27NoStarttlsIsLogged) {
  connect();
  ehlo(kBare);
  close();
  EXPECT_THAT(log_->lines,
              ElementsAre(line("testing-failure", "starttls-not-supported", "the MX does not offer STARTTLS")));
}

TEST_F(EximEvents, R27StarttlsIsRecognisedAsAWordOfItsOwnLine) {
  connect();
  ehlo("250-mx\r\n250-starttls\r\n250 HELP\r\n");
  connect();
  ehlo("250 STARTTLS");
  EXPECT_THAT(log_->lines, IsEmpty());
  connect();
  ehlo("250-STARTTLS.example.com\n250 XSTARTTLS");
  EXPECT_EQ(log_->lines.size(), 1U);
}

TEST_F(EximEvents, R27AnExpiredCertificateIsLogged) {
  session("mx.example.com", "1700000000", "0");
  EXPECT_THAT(log_->lines, ElementsAre(line("testing-failure", "certificate-expired", "the certificate has expired")));
}

TEST_F(EximEvents, R27AWrongNameIsLogged) {
  session("other.test:third.test", "1900000000", "0");
  EXPECT_THAT(log_->lines, ElementsAre(line("testing-failure", "certificate-host-mismatch",
                                            "the certificate is for other.test, third.test")));
}

TEST_F(EximEvents, R27ACommonNameOnlyCertificateIsLoggedThoughEximVerifiedIt) {
  session("", "1900000000", "1");
  EXPECT_THAT(log_->lines, ElementsAre(line("testing-failure", "certificate-host-mismatch",
                                            "the certificate has no DNS name in its subjectAltName")));
}

TEST_F(EximEvents, R27AnUntrustedCertificateIsLogged) {
  session("mx.example.com", "1900000000", "0");
  EXPECT_THAT(log_->lines, ElementsAre(line("testing-failure", "certificate-not-trusted",
                                            "the certificate does not chain to a trusted root")));
}

TEST_F(EximEvents, R25TlsOlderThan12IsLogged) {
  for (const char* old : {"TLS1.0", "TLS1.1", "TLS1", "TLSv1.1", "SSL3"}) {
    log_->lines.clear();
    connect();
    ehlo(kPlain);
    EXPECT_EQ(certificate("mx.example.com"), "");
    secured("1", old);
    EXPECT_THAT(log_->lines, ElementsAre(line("testing-failure", "validation-failure",
                                              std::string(old) + " is older than TLS 1.2")));
  }
}

TEST_F(EximEvents, R27AHandshakeThatFailedBeforeDeliveryInTheClearIsLoggedOnce) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    connect();
    ehlo(kPlain);
    close();
  }
  EXPECT_THAT(log_->lines, ElementsAre(line("testing-failure", "validation-failure",
                                            "STARTTLS was offered, but TLS could not be started")));
}

TEST_F(EximEvents, R29TestingSaysNothingOfAHostJudgedByDane) {
  connect();
  ehlo(kPlain);
  EXPECT_EQ(certificate("other.test", "1700000000", "8"), "");
  secured("0", "TLS1.3", "8");
  EXPECT_THAT(log_->lines, IsEmpty());
}

TEST_F(EximEvents, R29TestingSaysNothingOfAnUnlistedHostJudgedByDane) {
  decision_.mx = {"other.example.com"};
  connect();
  ehlo(kPlain);
  EXPECT_EQ(certificate("other.test", "1700000000", "8"), "");
  secured("0", "TLS1.3", "8");
  close();
  EXPECT_THAT(log_->lines, IsEmpty());
  connect();
  ehlo(kBare);
  EXPECT_EQ(log_->lines.size(), 2U) << "not listed, no STARTTLS";
}

// With OpenSSL, where the handshake ends after the certificate; not for what testing mode overlooks.
TEST_F(EximEvents, R27AHandshakeThatEndsAfterTheCertificateSaysNothingOfItsAuthority) {
  connect();
  ehlo(kPlain);
  EXPECT_EQ(certificate("mx.example.com"), "");
  close();
  EXPECT_THAT(log_->lines, ElementsAre(line("testing-failure", "validation-failure",
                                            "STARTTLS was offered, but TLS could not be started")));
}

TEST_F(EximEvents, R29TheLogSaysWhichOfTheTwoDecided) {
  mode_ = "enforce";
  decision_.mode = Mode::kEnforce;
  decision_.mx = {"other.example.com"};
  decision_.dane_hosts = {"mx.example.com"};
  connect();
  ehlo(kPlain);
  EXPECT_EQ(certificate("", "1700000000", "8"), "");
  secured("1", "TLS1.3", "8");
  ASSERT_EQ(log_->lines.size(), 1U);
  EXPECT_THAT(log_->lines[0], testing::HasSubstr("info event=dane-decides domain=example.com mx=mx.example.com"));

  log_->lines.clear();
  by_ = "dane";
  connect();
  ehlo(kPlain);
  certificate("mx.example.com", "1900000000", "8");
  close();
  defer("DANE attempt failed", "-37");
  EXPECT_THAT(log_->lines, ElementsAre(line("enforce-failure", "validation-failure", "DANE attempt failed")));

  log_->lines.clear();
  connect();
  ehlo(kPlain);
  certificate("mx.example.com");
  close();
  defer("certificate verification failed", "-37");
  ASSERT_EQ(log_->lines.size(), 1U);
  EXPECT_THAT(log_->lines[0],
              testing::HasSubstr("by=mta-sts detail=\"the policy does not list this MX, and Exim found"));
}

TEST_F(EximEvents, ACertificateOfTheLastHostIsForgottenAtTheNext) {
  session("mx.example.com", "1900000000", "1");
  connect();
  ehlo(kPlain);
  secured("0");
  EXPECT_THAT(log_->lines,
              ElementsAre(line("testing-failure", "certificate-not-trusted", "the MX presented no certificate")));
}

TEST_F(EximEvents, R26EnforceTellsWhyMailWaits) {
  mode_ = "enforce";
  struct Case {
    const char* san;
    const char* not_after;
    const char* result;
    const char* detail;
  };
  for (const auto& [san, not_after, result, detail] :
       {Case{"other.test", "1900000000", "certificate-host-mismatch", "the certificate is for other.test"},
        Case{"mx.example.com", "1700000000", "certificate-expired", "the certificate has expired"},
        Case{"mx.example.com", "1900000000", "certificate-not-trusted",
             "the certificate does not chain to a trusted root"}}) {
    log_->lines.clear();
    connect();
    ehlo(kPlain);
    certificate(san, not_after);
    close();
    defer("TLS session: (certificate verification failed)", "-37");
    EXPECT_THAT(log_->lines, ElementsAre(line("enforce-failure", result, detail)));
  }
}

TEST_F(EximEvents, R26EnforceTellsThatTlsWasNotToBeHad) {
  mode_ = "enforce";
  connect();
  ehlo(kBare);
  close();
  defer("a TLS session is required, but the server did not offer TLS support", "-38");
  connect();
  ehlo(kPlain);
  close();
  defer("TLS session: (gnutls_handshake): Error in protocol version", "-37");
  EXPECT_THAT(log_->lines, ElementsAre(line("enforce-failure", "starttls-not-supported",
                                            "a TLS session is required, but the server did not offer TLS support"),
                                       line("enforce-failure", "validation-failure",
                                            "TLS session: (gnutls_handshake): Error in protocol version")));
}

// Exim's error number is the one of a server that does not offer TLS.
TEST_F(EximEvents, R26EnforceTellsARefusedStarttlsFromOneThatIsNotOffered) {
  mode_ = "enforce";
  connect();
  ehlo(kPlain);
  close();
  defer("a TLS session is required, but an attempt to start TLS failed", "-38");
  connect();
  ehlo(kBare);
  close();
  defer("a TLS session is required, but the server did not offer TLS support", "-38");
  EXPECT_THAT(log_->lines, ElementsAre(line("enforce-failure", "validation-failure",
                                            "a TLS session is required, but an attempt to start TLS failed"),
                                       line("enforce-failure", "starttls-not-supported",
                                            "a TLS session is required, but the server did not offer TLS support")));
}

TEST_F(EximEvents, OtherReasonsToWaitAreEximsToTell) {
  mode_ = "enforce";
  connect();
  defer("Connection refused", "111");
  EXPECT_THAT(log_->lines, IsEmpty());
}

TEST_F(EximEvents, WhatThePeerSaysCannotForgeALogLine) {
  mode_ = "enforce";
  host_ = "mx\nevent=x\" y";
  defer("said \"go\"\n\x80 event=forged", "-38");
  ASSERT_EQ(log_->lines.size(), 1U);
  EXPECT_EQ(log_->lines[0],
            "warning event=enforce-failure domain=example.com mx=mx\\x0aevent=x\\x22\\x20y ip=192.0.2.1 "
            "result=starttls-not-supported by=mta-sts detail=\"said 'go'\\x0a\\x80 event=forged\"");
}

TEST_F(EximEvents, AnUnknownEventDoesNothing) {
  EXPECT_EQ(raise("msg:delivery", "250 OK", "cv=0"), "");
  EXPECT_EQ(raise("", "", ""), "");
  EXPECT_THAT(log_->lines, IsEmpty());
}

TEST(SessionFacts, ReadsEveryWord) {
  const auto facts =
      SessionFacts::read("mode=enforce tlsa=8 dane=no cv=1 ver=TLS1.3 notafter=1797228078 san=a.test:b.test");
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->mode, Mode::kEnforce);
  EXPECT_TRUE(facts->judged_by_dane);
  EXPECT_TRUE(facts->verified);
  EXPECT_EQ(facts->version, "TLS1.3");
  EXPECT_EQ(facts->not_after, WallTime(std::chrono::seconds(1'797'228'078)));
  EXPECT_EQ(facts->names, "a.test:b.test");
}

TEST(SessionFacts, ReadsWhatEximLeavesEmpty) {
  const auto facts = SessionFacts::read("mode=testing tlsa=0 dane=no cv=0 ver= notafter= san=");
  ASSERT_TRUE(facts);
  EXPECT_FALSE(facts->judged_by_dane);
  EXPECT_FALSE(facts->verified);
  EXPECT_EQ(facts->version, "");
  EXPECT_EQ(facts->not_after, std::nullopt);
  EXPECT_THAT(facts->names, IsEmpty());
}

TEST(SessionFacts, ANameOfTheCertificateIsNeverAnotherFact) {
  const auto facts = SessionFacts::read("mode=enforce tlsa=0 cv=0 san=x tlsa=8 mode=testing cv=1:y san=z");
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->mode, Mode::kEnforce);
  EXPECT_FALSE(facts->judged_by_dane);
  EXPECT_FALSE(facts->verified);
  EXPECT_EQ(facts->names, "x tlsa=8 mode=testing cv=1:y san=z");
}

TEST(SessionFacts, AModeIsNeeded) {
  for (const char* bad : {"", "tlsa=0", "mode=", "mode=none", "mode=Enforce", "=", "mode"}) {
    EXPECT_FALSE(SessionFacts::read(bad)) << bad;
  }
}

TEST_F(EximEvents, WhenObservingAFailureHasANameOfItsOwn) {
  decision_.observed = true;
  host_ = "other.test";
  session("other.test", "1900000000", "1");
  ASSERT_EQ(log_->lines.size(), 1U);
  EXPECT_THAT(log_->lines[0], testing::StartsWith("warning event=observed-failure domain=example.com mx=other.test "));
}

}  // namespace
}  // namespace mtasts
