#include "core/dane.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "tests/unit/core/builders.h"

namespace mtasts {
namespace {

using std::chrono::seconds;
using test::kNow;
using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Texts = DnsAnswer<std::string>;
using Mx = DnsAnswer<MxRecord>;
using Tlsa = DnsAnswer<TlsaRecord>;
using Finding = DaneFinding::Kind;
using Host = DaneHost::Kind;

const Domain kDomain = *Domain::parse("example.test");
const std::string kSha256(32, 'x');
const Error kNotTried{ErrorCode::kNotTried, "resolver 127.0.0.1: too many questions are under way (a TLSA)"};
const Error kServfail{ErrorCode::kDnsFailure, "resolver 127.0.0.1: SERVFAIL (a TLSA)"};

TEST(DaneRecord, R29CountsWhatRfc7672Counts) {
  const std::string sha512(64, 'x');
  EXPECT_TRUE(is_usable({3, 1, 1, kSha256}));
  EXPECT_TRUE(is_usable({3, 0, 1, kSha256}));
  EXPECT_TRUE(is_usable({2, 0, 1, kSha256}));
  EXPECT_TRUE(is_usable({2, 1, 2, sha512}));
  EXPECT_TRUE(is_usable({3, 1, 0, "a key"}));
}

TEST(DaneRecord, R29DoesNotCountPkixUsagesUnknownNumbersAndWrongLengths) {
  const std::string sha512(64, 'x');
  for (const unsigned usage : {0U, 1U, 4U, 255U}) EXPECT_FALSE(is_usable({usage, 1, 1, kSha256})) << usage;
  for (const unsigned selector : {2U, 255U}) EXPECT_FALSE(is_usable({3, selector, 1, kSha256})) << selector;
  for (const unsigned matching : {3U, 255U}) EXPECT_FALSE(is_usable({3, 1, matching, kSha256})) << matching;
  EXPECT_FALSE(is_usable({3, 1, 0, ""}));
  EXPECT_FALSE(is_usable({3, 1, 1, kSha256.substr(1)}));
  EXPECT_FALSE(is_usable({3, 1, 1, sha512}));
  EXPECT_FALSE(is_usable({3, 1, 2, kSha256}));
  EXPECT_FALSE(is_usable({3, 1, 2, sha512 + "x"}));
}

Mx found_mx(std::vector<MxRecord> records) { return {Mx::Kind::kFound, std::move(records), seconds{700}, true}; }

MailHosts hosts_of(const Result<Mx>& mx) {
  auto hosts = mail_hosts(kDomain, mx);
  EXPECT_TRUE(std::holds_alternative<MailHosts>(hosts));
  return std::get<MailHosts>(hosts);
}

DaneFinding finding_of(const Result<Mx>& mx) {
  auto finding = mail_hosts(kDomain, mx);
  EXPECT_TRUE(std::holds_alternative<DaneFinding>(finding));
  return std::get<DaneFinding>(finding);
}

TEST(DaneMx, HostsAreLookedAtByPreferenceEachOnce) {
  const auto hosts = hosts_of(found_mx({{20, "c.test"}, {5, "A.test"}, {10, "b.test"}, {30, "a.TEST"}}));
  EXPECT_THAT(hosts.names, ElementsAre("a.test", "b.test", "c.test"));
  EXPECT_EQ(hosts.left_out, 0U);
  EXPECT_EQ(hosts.ttl, seconds{700});
}

TEST(DaneMx, NoMoreThanTwentyHostsAreLookedAt) {
  std::vector<MxRecord> records;
  for (unsigned i = 0; i < 30; ++i) records.push_back({30 - i, "mx" + std::to_string(30 - i) + ".test"});
  const auto hosts = hosts_of(found_mx(records));
  EXPECT_THAT(hosts.names, SizeIs(kMaxDaneHosts));
  EXPECT_EQ(hosts.names.front(), "mx1.test");
  EXPECT_EQ(hosts.left_out, 10U);
}

TEST(DaneMx, R29UnsignedMxRecordsAreNoGroundForDane) {
  auto mx = found_mx({{10, "mx.test"}});
  mx.authenticated = false;
  EXPECT_EQ(finding_of(mx).kind, Finding::kNone);
  EXPECT_EQ(finding_of(mx).ttl, seconds{700});
  EXPECT_THAT(finding_of(mx).reason, HasSubstr("not signed"));
  mx = {Mx::Kind::kNoData, {}, seconds{60}, false};
  EXPECT_EQ(finding_of(mx).kind, Finding::kNone);
}

TEST(DaneMx, WithoutMxRecordsTheDomainIsItsOwnHost) {
  EXPECT_THAT(hosts_of(Mx{Mx::Kind::kNoData, {}, seconds{60}, true}).names, ElementsAre("example.test"));
}

TEST(DaneMx, ANullMxAndAMissingDomainHaveNoHosts) {
  EXPECT_EQ(finding_of(found_mx({{0, ""}})).kind, Finding::kNone);
  const auto missing = finding_of(Mx{Mx::Kind::kNxDomain, {}, seconds{60}, true});
  EXPECT_EQ(missing.kind, Finding::kNone);
  EXPECT_EQ(missing.ttl, seconds{60});
}

TEST(DaneMx, R29ALookupThatWasNotTriedIsNoAbsence) {
  EXPECT_EQ(finding_of(tl::unexpected(kNotTried)).kind, Finding::kFailed);
  EXPECT_TRUE(finding_of(tl::unexpected(kNotTried)).not_tried);
}

TEST(DaneMx, R29ALookupThatFailsIsNoAbsence) {
  const auto finding = finding_of(tl::unexpected(kServfail));
  EXPECT_EQ(finding.kind, Finding::kFailed);
  EXPECT_EQ(finding.ttl, seconds{0});
  EXPECT_FALSE(finding.not_tried);
  EXPECT_THAT(finding.reason, AllOf(HasSubstr("example.test"), HasSubstr("SERVFAIL")));
}

Texts addresses_at(const std::string& owner, bool authenticated = true) {
  return {Texts::Kind::kFound, {"192.0.2.1"}, seconds{300}, authenticated, owner};
}
Texts nothing(bool authenticated = true) { return {Texts::Kind::kNoData, {}, seconds{60}, authenticated}; }
Tlsa tlsa(std::vector<TlsaRecord> records, bool authenticated = true) {
  return {Tlsa::Kind::kFound, std::move(records), seconds{200}, authenticated};
}
const Tlsa kNoTlsa{Tlsa::Kind::kNxDomain, {}, seconds{100}, true};

std::string tlsa_asked(const DaneHostLookup::Next& next) {
  const auto* ask = std::get_if<DaneHostLookup::AskTlsa>(&next);
  return ask != nullptr ? ask->name : "not asked for TLSA";
}

void expect_end(const DaneHostLookup::Next& next, Host kind, const char* says = "") {
  const auto* host = std::get_if<DaneHost>(&next);
  ASSERT_NE(host, nullptr) << "not the end";
  EXPECT_EQ(host->kind, kind) << host->reason;
  EXPECT_EQ(host->name, "mx.test");
  EXPECT_THAT(host->reason, HasSubstr(says));
}

TEST(DaneHost, R29WithAUsableRecordIsJudgedByDane) {
  DaneHostLookup lookup("mx.test");
  EXPECT_EQ(tlsa_asked(lookup.on_addresses(addresses_at("mx.test"))), "_25._tcp.mx.test");
  const auto end = lookup.on_tlsa(tlsa({{1, 1, 1, kSha256}, {3, 1, 1, kSha256}}));
  expect_end(end, Host::kUsable);
  EXPECT_EQ(std::get<DaneHost>(end).ttl, seconds{200});
}

TEST(DaneHost, R29WithUnusableRecordsOnlyIsNotJudgedByDane) {
  DaneHostLookup lookup("mx.test");
  lookup.on_addresses(addresses_at("mx.test"));
  expect_end(lookup.on_tlsa(tlsa({{1, 1, 1, kSha256}, {3, 1, 1, "short"}})), Host::kNone, "no usable TLSA record");
}

TEST(DaneHost, R29WithoutTlsaRecordsOrWithUnsignedOnesIsNotJudgedByDane) {
  DaneHostLookup lookup("mx.test");
  lookup.on_addresses(addresses_at("mx.test"));
  const auto end = lookup.on_tlsa(kNoTlsa);
  expect_end(end, Host::kNone, "no TLSA records");
  EXPECT_EQ(std::get<DaneHost>(end).ttl, seconds{100});
  expect_end(lookup.on_tlsa(tlsa({{3, 1, 1, kSha256}}, false)), Host::kNone, "not signed");
}

TEST(DaneHost, WithUnsignedAddressesIsNotAskedForTlsa) {
  DaneHostLookup lookup("mx.test");
  expect_end(lookup.on_addresses(addresses_at("mx.test", false)), Host::kNone, "addresses are not signed");
}

TEST(DaneHost, WithoutAnAddressIsNotAskedForTlsa) {
  DaneHostLookup lookup("mx.test");
  expect_end(lookup.on_addresses(nothing()), Host::kNone, "no address");
}

TEST(DaneHost, R29FailsWhereALookupFails) {
  DaneHostLookup lookup("mx.test");
  expect_end(lookup.on_addresses(tl::unexpected(kServfail)), Host::kFailed, "SERVFAIL");
  lookup.on_addresses(addresses_at("mx.test"));
  expect_end(lookup.on_tlsa(tl::unexpected(kServfail)), Host::kFailed, "SERVFAIL");
  expect_end(lookup.on_cname(tl::unexpected(kServfail)), Host::kFailed, "SERVFAIL");
}

TEST(DaneHost, R29FailsWhereALookupWasNotTried) {
  DaneHostLookup lookup("mx.test");
  const auto expect_not_tried = [](const DaneHostLookup::Next& next) {
    expect_end(next, Host::kFailed, "too many");
    EXPECT_TRUE(std::get<DaneHost>(next).not_tried);
  };
  expect_not_tried(lookup.on_addresses(tl::unexpected(kNotTried)));
  lookup.on_addresses(addresses_at("mx.test"));
  expect_not_tried(lookup.on_tlsa(tl::unexpected(kNotTried)));
  expect_not_tried(lookup.on_cname(tl::unexpected(kNotTried)));
}

TEST(DaneHost, ThatIsNoNameHasNoDane) {
  const Error invalid{ErrorCode::kInvalidName, "\"a b\" is not a host name"};
  DaneHostLookup lookup("mx.test");
  expect_end(lookup.on_addresses(tl::unexpected(invalid)), Host::kNone, "not a host name");
  lookup.on_addresses(addresses_at("mx.test"));
  expect_end(lookup.on_tlsa(tl::unexpected(invalid)), Host::kNone, "no TLSA records");
}

TEST(DaneHost, ASignedAliasIsAskedAtItsTargetFirst) {
  DaneHostLookup lookup("mx.test");
  EXPECT_EQ(tlsa_asked(lookup.on_addresses(addresses_at("target.test"))), "_25._tcp.target.test");
  expect_end(lookup.on_tlsa(tlsa({{3, 1, 1, kSha256}})), Host::kUsable);
}

TEST(DaneHost, ASignedAliasIsAskedAtItsOwnNameWhereTheTargetHasNoTlsa) {
  DaneHostLookup lookup("mx.test");
  lookup.on_addresses(addresses_at("target.test"));
  EXPECT_EQ(tlsa_asked(lookup.on_tlsa(kNoTlsa)), "_25._tcp.mx.test");
  expect_end(lookup.on_tlsa(kNoTlsa), Host::kNone, "no TLSA records");
}

TEST(DaneHost, R29AFailureAtTheTargetIsNotMadeUpForByTheOwnName) {
  DaneHostLookup lookup("mx.test");
  lookup.on_addresses(addresses_at("target.test"));
  expect_end(lookup.on_tlsa(tl::unexpected(kServfail)), Host::kFailed);
  expect_end(lookup.on_tlsa(tlsa({{0, 0, 1, kSha256}})), Host::kNone, "no usable");
}

TEST(DaneHost, AnAliasThatLeavesTheSignedZoneIsAskedAtItsOwnName) {
  DaneHostLookup lookup("mx.test");
  const auto next = lookup.on_addresses(addresses_at("target.test", false));
  ASSERT_TRUE(std::holds_alternative<DaneHostLookup::AskCname>(next));
  EXPECT_EQ(std::get<DaneHostLookup::AskCname>(next).name, "mx.test");
  EXPECT_EQ(tlsa_asked(lookup.on_cname(addresses_at("mx.test"))), "_25._tcp.mx.test");
  expect_end(lookup.on_tlsa(kNoTlsa), Host::kNone);
}

TEST(DaneHost, AnUnsignedAliasIsNotAskedForTlsa) {
  DaneHostLookup lookup("mx.test");
  lookup.on_addresses(addresses_at("target.test", false));
  expect_end(lookup.on_cname(addresses_at("mx.test", false)), Host::kNone, "not signed");
}

const DaneHost kUsable{"good.test", Host::kUsable, "", seconds{90}};
const DaneHost kNone{"none.test", Host::kNone, "no TLSA records", seconds{80}};
const DaneHost kBad{"bad.test", Host::kFailed, "SERVFAIL", {}};

DaneFinding finding(const std::vector<DaneHost>& hosts, std::size_t left_out = 0) {
  return dane_finding({{}, left_out, seconds{700}}, hosts);
}

TEST(DaneFinding, R29SumsTheHostsUp) {
  EXPECT_EQ(finding({kUsable}).kind, Finding::kUsable);
  EXPECT_EQ(finding({kUsable, kBad}).kind, Finding::kPartly) << "the MTA may find out what we could not";
  EXPECT_EQ(finding({kUsable, kNone}).kind, Finding::kPartly);
  EXPECT_EQ(finding({kUsable, kNone, kBad}).kind, Finding::kPartly);
  EXPECT_EQ(finding({kNone}).kind, Finding::kNone);
  EXPECT_EQ(finding({kNone, kBad}).kind, Finding::kFailed);
  EXPECT_EQ(finding({kBad}).kind, Finding::kFailed);
}

TEST(DaneFinding, R29WasNotTriedWhereOnlyFaultsOfOursKeptItFromBeingFoundOut) {
  DaneHost ours = kBad;
  ours.not_tried = true;
  EXPECT_TRUE(finding({kNone, ours}).not_tried);
  EXPECT_FALSE(finding({kNone, ours, kBad}).not_tried);
  EXPECT_FALSE(finding({kUsable, ours}).not_tried) << "that much is known";
  EXPECT_FALSE(finding({kNone}).not_tried);
}

TEST(DaneFinding, OfHostsThatWereNotAllLookedAtIsNeverTheWhole) {
  EXPECT_EQ(finding({kUsable}, 1).kind, Finding::kPartly);
  EXPECT_THAT(finding({kUsable}, 1).reason, HasSubstr("1 MX host"));
}

TEST(DaneFinding, HoldsForTheSmallestTtl) {
  EXPECT_EQ(finding({kUsable, kNone}).ttl, seconds{80});
  EXPECT_EQ(dane_finding({{}, 0, seconds{70}}, {kUsable, kNone}).ttl, seconds{70});
  EXPECT_EQ(finding({kUsable, kBad}).ttl, seconds{0});
}

TEST(DaneFinding, NamesTheHostsOfEachKind) {
  EXPECT_EQ(
      finding({kUsable, kNone, kBad}).reason,
      "DANE applies to good.test; DANE cannot be judged for bad.test (SERVFAIL); DANE does not apply to none.test "
      "(no TLSA records)");
}

TEST(DaneFinding, R29ListsTheHostsThatDaneJudges) {
  const DaneHost alias{"alias.test", Host::kUsable, "", seconds{90}, true};
  const DaneHost odd{"od\\059d.test", Host::kUsable, "", seconds{90}};
  EXPECT_THAT(finding({kUsable, alias, odd, kNone, kBad}).hosts, testing::ElementsAre("good.test"));
}

TEST(DaneFinding, ReasonIsBoundedAndHarmless) {
  std::vector<DaneHost> hosts(20, {std::string(250, '\n'), Host::kFailed, std::string(200, 'x'), {}});
  const auto reason = finding(hosts).reason;
  EXPECT_EQ(reason.size(), 500U);
  EXPECT_THAT(reason, AllOf(EndsWith("..."), testing::Not(HasSubstr("\n"))));
}

DaneMemory ended(DaneState state, std::chrono::seconds ago) { return {state, kNow - ago, "no TLSA records"}; }

// While a fault of ours keeps DANE from being asked for, what was found out last counts for one day more.
TEST(DaneOutliving, R29WhatWasFoundOutLastCountsForADayMore) {
  const auto kept = outliving(ended(DaneState::kNone, kDaneOutlives - seconds{1}), "no room", kNow);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->state, DaneState::kNone);
  EXPECT_GT(kept->until, kNow);
  EXPECT_EQ(kept->detail, "no TLSA records; that could not be asked for again: no room");
  EXPECT_FALSE(outliving(ended(DaneState::kNone, kDaneOutlives), "no room", kNow));
}

TEST(DaneOutliving, OnlyWhatWasFoundOutAndHasEnded) {
  EXPECT_FALSE(outliving(std::nullopt, "no room", kNow));
  EXPECT_FALSE(outliving(ended(DaneState::kFailed, seconds{1}), "no room", kNow));
  EXPECT_FALSE(outliving(ended(DaneState::kNone, -std::chrono::hours{9000}), "no room", kNow))
      << "the clock was set back";
}

// DANE may be gone by now, and an MTA that only tries DANE would send without it.
TEST(DaneOutliving, R29WhereDaneJudgedEveryHostItIsDemandedOfThem) {
  DaneMemory last = ended(DaneState::kUsable, seconds{1});
  last.hosts = {"mx.test"};
  const auto kept = outliving(last, "no room", kNow);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->state, DaneState::kPartly);
  EXPECT_EQ(kept->hosts, last.hosts);
}

}  // namespace
}  // namespace mtasts
