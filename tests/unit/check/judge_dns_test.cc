#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/cli/check/sha256.h"
#include "tests/unit/check/facts.h"

namespace mtasts::check {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class JudgeDns : public testing::Test {
 protected:
  std::vector<std::string> codes() {
    report_ = judge(facts_, saved_ ? &*saved_ : nullptr, {});
    return codes_in(*report_);
  }
  [[nodiscard]] const Finding& first() const { return report_->findings.at(0); }
  // An earlier check, which saw a policy of 30 days `ago`.
  void saved_before(std::chrono::seconds ago, const std::string& text = body()) {
    Facts earlier = good_facts();
    serve(earlier, text);
    earlier.seen_at -= ago;
    saved_ = saved_after(std::nullopt, earlier);
  }

  Facts facts_ = good_facts();
  std::optional<Saved> saved_;
  std::optional<Report> report_;
};

TEST_F(JudgeDns, ADomainInOrderHasNoFinding) {
  EXPECT_THAT(codes(), IsEmpty());
  EXPECT_EQ(worst(*report_), Severity::kInfo);
  EXPECT_EQ(report_->impact, "Senders deliver over verified TLS only, to mx.example.com.");
}

TEST_F(JudgeDns, R5WithoutARecordNothingElseIsJudged) {
  for (const DnsFact& none : {no_name(), no_data(), found({}), found({"v=spf1 -all"}), found({"v=STSv12; id=1"})}) {
    facts_.record = none;
    facts_.host.clear();
    facts_.tlsrpt = no_data();
    EXPECT_THAT(codes(), ElementsAre("record-absent"));
    EXPECT_EQ(first().severity, Severity::kWarning);
    EXPECT_EQ(first().subject, "_mta-sts.example.com");
    EXPECT_THAT(first().fix, HasSubstr("_mta-sts.example.com. IN TXT \"v=STSv1; id=20251124160000\""));
  }
}

TEST_F(JudgeDns, ThePolicyHostInPlaceOfItsDomainIsToldWhatIsMeant) {
  Facts facts{domain("mta-sts.example.com")};
  facts.record = no_name();
  const DnsFact record = found({"v=STSv1; id=1"}), hosts = found({"10 mx.example.com"});
  for (const auto& [parent_record, parent_mx] : {std::pair{record, no_data()}, {record, hosts}, {no_name(), hosts}}) {
    facts.policy_host_name = PolicyHostNameFact{domain(), no_data(), parent_record, parent_mx};
    facts_ = facts;
    EXPECT_THAT(codes(), ElementsAre("record-absent"));
    EXPECT_EQ(first().severity, Severity::kWarning);
    EXPECT_THAT(first().message, HasSubstr("is the policy host of example.com; did you mean example.com?"));
    EXPECT_THAT(first().fix, HasSubstr("mtasts check example.com"));
    EXPECT_THAT(report_->impact, HasSubstr("of the mail domain, example.com,"));
  }
}

TEST_F(JudgeDns, AMailDomainWhoseNameIsThatOfAPolicyHostIsOne) {
  const DnsFact record = found({"v=STSv1; id=1"}), hosts = found({"10 mx.example.com"});
  Facts facts{domain("mta-sts.example.com")};
  facts.record = no_name();
  for (const PolicyHostNameFact& seen : {PolicyHostNameFact{domain(), hosts, record, hosts},
                                         {domain(), failed(), record, hosts},
                                         {domain(), no_data(), no_name(), no_name()},
                                         {domain(), no_data(), found({"v=spf1 -all"}), failed()}}) {
    facts.policy_host_name = seen;
    facts_ = facts;
    EXPECT_THAT(codes(), ElementsAre("record-absent"));
    EXPECT_THAT(first().message, Not(HasSubstr("did you mean")));
    EXPECT_THAT(first().fix, HasSubstr("_mta-sts.mta-sts.example.com. IN TXT"));
  }
}

TEST_F(JudgeDns, R5SeveralRecordsAreOneFindingAndTheRestIsJudged) {
  facts_.record = found({"v=STSv1; id=1", "v=STSv1; id=2", "v=spf1 -all"});
  facts_.tlsrpt = no_data();
  EXPECT_THAT(codes(), ElementsAre("record-multiple", "tlsrpt-absent"));
  EXPECT_EQ(first().severity, Severity::kCritical);
  EXPECT_THAT(first().message, AllOf(HasSubstr("id=1"), HasSubstr("id=2"), Not(HasSubstr("spf1"))));
}

TEST_F(JudgeDns, R6AMalformedRecordIsCriticalAndTheRestIsJudged) {
  for (const char* text : {"v=STSv1;", "v=STSv1; id=", "v=STSv1; id=a-b", "v=STSv1; id=1; =x", "v=STSv1 id=1",
                           "v=STSv1; id=123456789012345678901234567890123"}) {
    facts_.record = found({text});
    facts_.tlsrpt = no_data();
    EXPECT_THAT(codes(), ElementsAre("record-invalid", "tlsrpt-absent")) << text;
    EXPECT_EQ(first().severity, Severity::kCritical);
    EXPECT_THAT(first().fix, StartsWith("Publish: _mta-sts.example.com. IN TXT"));
  }
}

TEST_F(JudgeDns, LegalFormsOfTheRecordAreNoFinding) {
  for (const char* text : {"v=STSv1;id=1", "v=STSv1 ; id=1 ;", "v=STSv1; id=1; ext.a-b_c=x", "v=STSv1; x=y; id=1;"}) {
    facts_.record = found({text, "some other text"});
    EXPECT_THAT(codes(), IsEmpty()) << text;
  }
}

TEST_F(JudgeDns, ARecordThatCannotBeAskedForIsUnknown) {
  facts_.record = failed("timeout");
  EXPECT_THAT(codes(), ElementsAre("record-dns-failure"));
  EXPECT_EQ(first().severity, Severity::kUnknown);
  EXPECT_THAT(report_->impact, HasSubstr("could not be found out"));
}

TEST_F(JudgeDns, AWildcardIsAWarning) {
  facts_.is_record_wildcard = true;
  EXPECT_THAT(codes(), ElementsAre("record-wildcard"));
  EXPECT_EQ(first().severity, Severity::kWarning);
}

TEST_F(JudgeDns, ACnameToANameThatDoesNotExistStandsInPlaceOfTheAbsentRecord) {
  facts_.record = no_name();
  facts_.record_alias = {AliasFact::Kind::kDangling, {"gone.example.net"}};
  EXPECT_THAT(codes(), ElementsAre("record-cname-dangling"));
  EXPECT_EQ(first().severity, Severity::kCritical);
  EXPECT_THAT(first().message, HasSubstr("gone.example.net"));
}

TEST_F(JudgeDns, ACnameOfThePolicyHostThatDanglesStandsInPlaceOfNoAddress) {
  facts_.host_addresses = no_name();
  facts_.host.clear();
  facts_.host_alias = {AliasFact::Kind::kDangling, {"gone.example.net"}};
  EXPECT_THAT(codes(), ElementsAre("record-cname-dangling"));
  EXPECT_EQ(first().subject, "mta-sts.example.com");
}

TEST_F(JudgeDns, ACnameLoopStandsInPlaceOfWhatTheResolverSays) {
  facts_.record = failed();
  facts_.record_alias = {AliasFact::Kind::kLoop, {"a.example.net", "b.example.net"}};
  facts_.host_addresses = failed();
  facts_.host.clear();
  facts_.host_alias = {AliasFact::Kind::kLoop, {"a.example.net", "b.example.net"}};
  EXPECT_THAT(codes(), ElementsAre("record-cname-loop", "record-cname-loop"));
  EXPECT_EQ(first().severity, Severity::kCritical);
}

TEST_F(JudgeDns, ACnameToANameWithoutThatTypeIsTheOrdinaryCode) {
  facts_.record = no_data();
  facts_.record_alias = {AliasFact::Kind::kAlias, {"other.example.net"}};
  EXPECT_THAT(codes(), ElementsAre("record-absent"));
}

TEST_F(JudgeDns, R3DelegationByCnameIsNoFinding) {
  facts_.record_alias = {AliasFact::Kind::kAlias, {"_mta-sts.example.net"}};
  facts_.host_alias = {AliasFact::Kind::kAlias, {"mta-sts.example.net"}};
  facts_.record_servers = {{"ns1.example.com", "192.0.2.53", found({"CNAME _mta-sts.example.net"})},
                           {"ns2.example.com", "192.0.2.54", found({"CNAME _mta-sts.example.net"})}};
  EXPECT_THAT(codes(), IsEmpty());
}

TEST_F(JudgeDns, ServersThatDifferAreOneFindingThatNamesThem) {
  facts_.record_servers = {{"ns1.example.com", "192.0.2.53", found({"v=STSv1; id=20251101T1", "other"})},
                           {"ns2.example.com", "192.0.2.54", found({"v=STSv1; id=2"})}};
  EXPECT_THAT(codes(), ElementsAre("record-nameservers-differ"));
  EXPECT_EQ(first().severity, Severity::kCritical);
  EXPECT_THAT(first().message, AllOf(HasSubstr("ns1.example.com [192.0.2.53]"), HasSubstr("id=2")));
}

// Which of them the resolver asks is chance; the finding is the same.
TEST_F(JudgeDns, ServersThatDifferAreTheSameFindingWhicheverTheResolverAsks) {
  facts_.record_servers = {{"ns1.example.com", "192.0.2.53", found({"v=STSv1; id=20251101T1"})},
                           {"ns2.example.com", "192.0.2.54", no_name()}};
  EXPECT_THAT(codes(), ElementsAre("record-nameservers-differ"));
  facts_.record = no_name();
  EXPECT_THAT(codes(), ElementsAre("record-nameservers-differ"));
}

TEST_F(JudgeDns, ADeadServerAmongSeveralAndOtherTextsDoNotDiffer) {
  facts_.record_servers = {{"ns1.example.com", "192.0.2.53", found({"v=STSv1; id=20251101T1", "v=spf1 -all"})},
                           {"ns2.example.com", "192.0.2.54", failed()},
                           {"ns3.example.com", "192.0.2.55", found({"v=STSv1; id=20251101T1"})}};
  EXPECT_THAT(codes(), IsEmpty());
}

TEST_F(JudgeDns, R34AnIdWithTheHashOfAnotherFileIsStale) {
  facts_.record = found({"v=STSv1; id=" + make_record_id(kNow, body())});
  EXPECT_THAT(codes(), IsEmpty());
  serve(facts_, body("testing"));
  EXPECT_THAT(codes(), ElementsAre("id-stale", "policy-testing"));
  EXPECT_EQ(first().severity, Severity::kCritical);
  EXPECT_THAT(first().fix, HasSubstr(sha256_hex(body("testing")).substr(0, 16)));
}

TEST_F(JudgeDns, R34AnIdThatWasSeenWithAnotherFileIsStale) {
  saved_before(std::chrono::days(1));
  EXPECT_THAT(codes(), IsEmpty());
  serve(facts_, body("enforce", "1300000"));
  EXPECT_THAT(codes(), ElementsAre("id-stale"));
  saved_ = saved_after(saved_, facts_);  // it stays so until there is a new id
  EXPECT_THAT(codes(), ElementsAre("id-stale"));
  facts_.record = found({"v=STSv1; id=20251124T1"});
  EXPECT_THAT(codes(), IsEmpty());
}

TEST_F(JudgeDns, R35WhatIsGoneBeforeSendersForgetItIsRemovedEarly) {
  saved_before(std::chrono::days(29));
  facts_.record = no_name();
  EXPECT_THAT(codes(), ElementsAre("record-absent", "removed-early"));
  EXPECT_EQ(report_->findings.at(1).severity, Severity::kCritical);
  EXPECT_THAT(report_->findings.at(1).fix, HasSubstr("2025-11-25T16:00:00Z"));
  EXPECT_THAT(report_->impact, HasSubstr("2025-11-25T16:00:00Z"));
  saved_before(std::chrono::days(31));
  EXPECT_THAT(codes(), ElementsAre("record-absent"));
}

TEST_F(JudgeDns, R35APolicyHostThatIsGoneIsRemovedEarlyToo) {
  saved_before(std::chrono::days(1));
  facts_.host_addresses = no_name();
  facts_.host.clear();
  EXPECT_THAT(codes(), ElementsAre("removed-early", "host-no-address"));
  facts_.record_alias = {AliasFact::Kind::kDangling, {"gone.example.net"}};
  facts_.host_addresses = found({"192.0.2.1"});
  EXPECT_THAT(codes(), testing::Contains("removed-early"));
  facts_.record_alias = {};
  facts_.record = failed();
  facts_.host_addresses = failed();
  EXPECT_THAT(codes(), ElementsAre("record-dns-failure", "record-dns-failure"));
}

TEST_F(JudgeDns, R35ModeNoneMayGoOnceTheLongestPolicyIsForgotten) {
  saved_before(std::chrono::hours(1), body("none", "86400"));
  facts_.record = no_name();
  EXPECT_THAT(codes(), ElementsAre("record-absent"));
}

TEST_F(JudgeDns, R31ReportsAreAskedForByOneGoodRecord) {
  facts_.tlsrpt = found({"v=TLSRPTv1;rua=https://reports.example.com/x", "other"});
  EXPECT_THAT(codes(), IsEmpty());
  for (const DnsFact& none : {no_name(), no_data(), found({"v=spf1 -all"})}) {
    facts_.tlsrpt = none;
    EXPECT_THAT(codes(), ElementsAre("tlsrpt-absent"));
    EXPECT_EQ(first().severity, Severity::kWarning);
    EXPECT_THAT(first().fix, HasSubstr("_smtp._tls.example.com. IN TXT \"v=TLSRPTv1; rua=mailto:"));
  }
  facts_.tlsrpt = found({"v=TLSRPTv1; rua=mailto:a@example.com", "v=TLSRPTv1; rua=mailto:b@example.com"});
  EXPECT_THAT(codes(), ElementsAre("tlsrpt-multiple"));
  for (const char* text : {"v=TLSRPTv1", "v=TLSRPTv1;", "v=TLSRPTv1; rua=ftp://example.com", "v=TLSRPTv1; rua="}) {
    facts_.tlsrpt = found({text});
    EXPECT_THAT(codes(), ElementsAre("tlsrpt-invalid")) << text;
  }
  facts_.tlsrpt = failed();
  EXPECT_THAT(codes(), ElementsAre("record-dns-failure"));
  EXPECT_EQ(first().subject, "_smtp._tls.example.com");
}

}  // namespace
}  // namespace mtasts::check
