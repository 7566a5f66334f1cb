// What an audit sees of policy hosts and MX hosts, good and bad. Built once for each TLS library: the facts must be the
// same, and a certificate good exactly where fetcher and prober take it.
#include "fetch/inspector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/fetch/certificate_cases.h"
#include "tests/unit/fetch/inspecting.h"

namespace mtasts {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::CertificateCase;
using test::Inspecting;
using test::lab;
using test::mx_address;
using testing::AnyOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr char kRaw[] = "127.0.0.2";
constexpr char kOldTls[] = "127.0.0.3";
constexpr char kSilent[] = "127.0.0.4";
constexpr char kClosed[] = "127.0.0.9";
constexpr char kHost[] = "mx.good.test";

class InspectedCertificate : public testing::TestWithParam<CertificateCase> {};

template <typename Fact>
void expect_verdict(const CertificateCase& shown, const Fact& fact) {
  const bool is_accepted = *shown.refusal == '\0';
  ASSERT_THAT(fact.not_tried, IsEmpty());
  if (!fact.tls.certificate) {
    // GnuTLS ends the handshake where it cannot read a certificate.
    EXPECT_FALSE(is_accepted);
    EXPECT_THAT(fact.tls.error, Not(IsEmpty()));
    return;
  }
  EXPECT_EQ(fact.tls.certificate->is_good(), is_accepted) << fact.tls.certificate->detail;
  EXPECT_EQ(fact.tls.certificate->detail.empty(), is_accepted);
}

TEST_P(InspectedCertificate, R12IsGoodWhereAPolicyIsFetched) {
  auto config = test::lab_fetcher();
  if (*GetParam().crl != '\0') config.crl_file = lab("DIR") + GetParam().crl;
  const auto fact = Inspecting(config).policy_host(GetParam().domain);
  EXPECT_TRUE(fact.is_connected);
  expect_verdict(GetParam(), fact);
  const bool is_good = fact.tls.certificate && fact.tls.certificate->is_good();
  EXPECT_EQ(fact.http.status, is_good ? 200 : 0) << "nothing is asked of a host with a bad certificate";
}

TEST_P(InspectedCertificate, R25IsGoodWhereMailIsSent) {
  auto config = test::lab_fetcher();
  if (*GetParam().crl != '\0') config.crl_file = lab("DIR") + GetParam().crl;
  const auto fact = Inspecting(config).mx_host("mta-sts." + std::string(GetParam().domain), mx_address("good"));
  EXPECT_TRUE(fact.is_reached && fact.offers_starttls);
  expect_verdict(GetParam(), fact);
}

INSTANTIATE_TEST_SUITE_P(Inspector, InspectedCertificate, testing::ValuesIn(test::kCertificateCases),
                         [](const auto& info) { return info.param.name; });

CertificateFact certificate_of(const std::string& domain) {
  return Inspecting().policy_host(domain).tls.certificate.value_or(CertificateFact{});
}

TEST(Inspector, TellsEachFaultOfACertificateByItself) {
  const auto expired = certificate_of("expired.test");
  EXPECT_TRUE(expired.is_expired);
  EXPECT_FALSE(expired.is_untrusted || expired.is_for_another_name || expired.has_only_common_name);
  EXPECT_LT(expired.not_after, std::chrono::system_clock::now());
  const auto later = certificate_of("notyet.test");
  EXPECT_TRUE(later.is_expired);
  EXPECT_FALSE(later.is_untrusted);
  const auto unknown = certificate_of("untrusted.test");
  EXPECT_TRUE(unknown.is_untrusted);
  EXPECT_FALSE(unknown.is_expired || unknown.is_for_another_name);
  const auto name = certificate_of("wrongname.test");
  EXPECT_TRUE(name.is_for_another_name);
  EXPECT_FALSE(name.is_untrusted || name.is_expired || name.has_only_common_name);
  const auto common = certificate_of("cnonly.test");
  EXPECT_TRUE(common.has_only_common_name);
  EXPECT_FALSE(common.is_for_another_name || common.is_untrusted);
  const auto both = certificate_of("expiredwrongname.test");
  EXPECT_TRUE(both.is_expired && both.is_for_another_name);
  EXPECT_FALSE(both.is_untrusted);
  const auto three = certificate_of("expireduntrusted.test");
  EXPECT_TRUE(three.is_expired && three.is_untrusted);
  const auto chain = certificate_of("missingintermediate.test");
  EXPECT_TRUE(chain.is_untrusted);
  EXPECT_TRUE(certificate_of("expiredabove.test").is_expired);
}

TEST(Inspector, SeesAGoodPolicyHostAsItIs) {
  const auto fact = Inspecting().policy_host("good.test");
  EXPECT_TRUE(fact.is_connected);
  EXPECT_EQ(fact.tls.version, "TLSv1.3");
  EXPECT_THAT(fact.tls.certificate->names, Contains("mta-sts.good.test"));
  EXPECT_GT(fact.tls.certificate->not_after, std::chrono::system_clock::now() + std::chrono::days(20));
  EXPECT_EQ(fact.http.status, 200);
  EXPECT_EQ(fact.http.content_type, "text/plain");
  EXPECT_THAT(fact.http.body, HasSubstr("version: STSv1\r\n"));
  EXPECT_THAT(fact.http.error, IsEmpty());
  ASSERT_TRUE(fact.other_agent);
  EXPECT_EQ(fact.other_agent->body, fact.http.body);
}

TEST(Inspector, SaysBothUserAgents) {
  const auto fact = Inspecting().policy_host("echo.hostile.test", kRaw);
  EXPECT_THAT(fact.http.body, HasSubstr("User-Agent: mtasts/"));
  ASSERT_TRUE(fact.other_agent);
  EXPECT_THAT(fact.other_agent->body, HasSubstr("User-Agent: Mozilla/5.0"));
}

TEST(Inspector, R13TellsWhatWasAnsweredInThePlaceOfAPolicy) {
  Inspecting inspecting;
  const auto redirect = inspecting.policy_host("redirect.test");
  EXPECT_EQ(redirect.http.status, 301);
  EXPECT_EQ(redirect.http.location, "https://mta-sts.good.test/.well-known/mta-sts.txt");
  EXPECT_THAT(redirect.http.body, IsEmpty());
  EXPECT_THAT(redirect.http.error, IsEmpty());
  EXPECT_EQ(inspecting.policy_host("notfound.test").http.status, 404);
  const auto html = inspecting.policy_host("html.test");
  EXPECT_EQ(html.http.content_type, "text/html");
  EXPECT_THAT(html.http.body, HasSubstr("STSv1"));
  EXPECT_THAT(inspecting.policy_host("gzip.test").http.error, HasSubstr("content encoding gzip"));
}

TEST(Inspector, R14BoundsTheBody) {
  Inspecting inspecting;
  EXPECT_EQ(inspecting.policy_host("max.test").http.body.size(), 64U * 1024);
  for (const char* domain : {"big.test"}) EXPECT_TRUE(inspecting.policy_host(domain).http.is_too_large) << domain;
  for (const char* domain : {"bigchunked.test", "declaresgiant.test"})
    EXPECT_TRUE(inspecting.policy_host(domain, kRaw).http.is_too_large) << domain;
  const auto cut = inspecting.policy_host("cutoff.test", kRaw);
  // GnuTLS sees it itself, and libcurl with OpenSSL in newer versions.
  EXPECT_THAT(cut.http.error, AnyOf(HasSubstr("cut off"), HasSubstr("recv error"), HasSubstr("unexpected eof")));
  EXPECT_THAT(cut.http.body, IsEmpty());
}

TEST(Inspector, TellsHowFarItCame) {
  auto config = test::lab_fetcher();
  config.timeout = seconds{2};
  Inspecting inspecting(config);
  const auto closed = inspecting.policy_host("refused.test", kClosed);
  EXPECT_FALSE(closed.is_connected);
  EXPECT_THAT(closed.error, HasSubstr(kClosed));
  const auto silent = inspecting.policy_host("silent.test", kSilent);
  EXPECT_TRUE(silent.is_connected);
  EXPECT_FALSE(silent.tls.certificate);
  EXPECT_THAT(silent.tls.error, HasSubstr("no TLS session within 2 s"));
  const auto old = inspecting.policy_host("oldtls.test", kOldTls);
  EXPECT_TRUE(old.is_connected && old.tls.is_too_old) << old.error << old.tls.error;
  const auto slow = inspecting.policy_host("slow.test", kRaw);
  EXPECT_TRUE(slow.tls.certificate->is_good());
  EXPECT_THAT(slow.http.error, HasSubstr("no policy file within 2 s"));
  EXPECT_GE(slow.http.took, milliseconds{1900});
  EXPECT_FALSE(slow.other_agent);
}

TEST(Inspector, DoesNotConnectWhereStrangersMustNotLead) {
  auto config = test::lab_fetcher();
  config.allow_private = {};
  Inspecting inspecting(config);
  EXPECT_THAT(inspecting.policy_host("good.test").error, HasSubstr("not a public address"));
  EXPECT_THAT(inspecting.mx_host(kHost, mx_address("good")).error, HasSubstr("not a public address"));
}

struct Session {
  const char* behaviour;
  bool is_reached;
  bool offers_starttls;
  bool has_certificate;
};
void PrintTo(const Session& session, std::ostream* out) { *out << session.behaviour; }

class InspectedMxHost : public testing::TestWithParam<Session> {};

TEST_P(InspectedMxHost, ShowsHowFarTheSessionCame) {
  const Session& expected = GetParam();
  const auto fact = Inspecting().mx_host(kHost, mx_address(expected.behaviour));
  EXPECT_EQ(fact.address, mx_address(expected.behaviour));
  EXPECT_THAT(fact.not_tried, IsEmpty());
  EXPECT_EQ(fact.is_reached, expected.is_reached) << fact.error;
  EXPECT_EQ(fact.error.empty(), expected.is_reached) << fact.error;
  EXPECT_EQ(fact.offers_starttls, expected.offers_starttls);
  EXPECT_EQ(fact.tls.certificate.has_value(), expected.has_certificate) << fact.tls.error;
  EXPECT_EQ(fact.tls.is_too_old, expected.behaviour == std::string("old_tls"));
  if (fact.offers_starttls && !fact.tls.certificate && !fact.tls.is_too_old) {
    EXPECT_THAT(fact.tls.error, Not(IsEmpty()));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Inspector, InspectedMxHost,
    testing::Values(Session{"good", true, true, true}, Session{"slow_to_greet", true, true, true},
                    Session{"no_starttls", true, false, false}, Session{"ehlo_refused", true, false, false},
                    Session{"lower_case", true, false, false}, Session{"starttls_refused", true, false, false},
                    Session{"old_tls", true, true, false}, Session{"closes_in_handshake", true, true, false},
                    Session{"closes_at_once", false, false, false},
                    Session{"closes_after_greeting", false, false, false},
                    Session{"closes_at_starttls", true, true, false}, Session{"closes_after_tls", true, true, true},
                    Session{"greets_421", false, false, false}, Session{"greets_554", false, false, false},
                    Session{"ehlo_put_off", false, false, false}, Session{"ehlo_refused_in_tls", true, true, true},
                    Session{"greets_in_http", false, false, false}),
    [](const auto& info) { return std::string(info.param.behaviour); });

TEST(Inspector, R29ComparesTlsaRecordsWithWhatIsShown) {
  Inspecting inspecting;
  const auto match = [&](std::vector<TlsaRecord> records) {
    return inspecting.mx_host(kHost, mx_address("good"), records).matches_tlsa;
  };
  EXPECT_EQ(match({}), std::nullopt);
  EXPECT_EQ(match({{1, 1, 1, std::string(32, 'x')}}), std::nullopt) << "PKIX-EE says nothing in SMTP";
  EXPECT_EQ(match({{3, 1, 1, std::string(32, 'x')}}), std::optional(false));
}

}  // namespace
}  // namespace mtasts
