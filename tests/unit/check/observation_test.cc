#include "adapters/cli/check/observation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/cli/check/alias.h"
#include "adapters/cli/check/zone.h"
#include "tests/unit/check/fake_outside.h"
#include "tests/unit/module/fakes.h"

namespace mtasts::check {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;
using Outcome = DnsFact::Outcome;

constexpr std::chrono::minutes kTime{3};
const char kRecord[] = "v=STSv1; id=1;";

FakeInternet good_internet() {
  FakeInternet internet;
  internet.txts["_mta-sts.example.com"] = {kRecord};
  internet.txts["_smtp._tls.example.com"] = {"v=TLSRPTv1; rua=mailto:tls@example.com"};
  internet.hosts["mta-sts.example.com"] = {"2001:db8::1", "192.0.2.1"};
  internet.hosts["ns.example.com"] = {"192.0.2.53"};
  internet.hosts["mx1.example.com"] = {"192.0.2.25", "192.0.2.26"};
  internet.mxs["example.com"] = {{20, "mx1.example.com"}, {10, "MX2.example.com"}};
  internet.zones["example.com"] = {"NS.example.com"};
  internet.servers.emplace("192.0.2.53", Texts{Texts::Kind::kFound, {kRecord}, {}, false, "_mta-sts.example.com"});
  return internet;
}

class Observing {
 public:
  explicit Observing(FakeInternet internet) : internet(std::move(internet)) {}

  Facts facts(const std::string& name = "example.com", WithoutRecord without = WithoutRecord::kStop) {
    begin(name, without);
    internet.run();
    return result.value();
  }
  void begin(const std::string& name = "example.com", WithoutRecord without = WithoutRecord::kStop) {
    observe_domain({loop, {internet, internet}, internet, mx_hosts}, Domain::parse(name).value(), without, kTime,
                   [this](Facts facts) {
                     EXPECT_FALSE(result) << "called back twice";
                     result = std::move(facts);
                   });
  }

  FakeLoop loop;
  FakeInternet internet;
  MxHosts mx_hosts{internet, internet};
  std::optional<Facts> result;
};

TEST(Observation, SeesEveryPartOfADomain) {
  const Facts facts = Observing(good_internet()).facts();
  EXPECT_THAT(facts.record.values, ElementsAre(kRecord));
  ASSERT_EQ(facts.record_servers.size(), 1U);
  EXPECT_EQ(facts.record_servers[0].name, "ns.example.com");
  EXPECT_THAT(facts.record_servers[0].record.values, ElementsAre(kRecord));
  EXPECT_FALSE(facts.is_record_wildcard);
  ASSERT_EQ(facts.host.size(), 2U);
  EXPECT_EQ(facts.host[1].address, "192.0.2.1");
  EXPECT_TRUE(facts.host[1].is_connected);
  EXPECT_THAT(facts.mx_records.values, ElementsAre("20 mx1.example.com", "10 mx2.example.com"));
  ASSERT_EQ(facts.mx.size(), 2U);
  EXPECT_EQ(facts.mx[0].host, "mx2.example.com");
  EXPECT_EQ(facts.mx[0].addresses.outcome, Outcome::kNxDomain);
  EXPECT_EQ(facts.mx[1].preference, 20U);
  ASSERT_EQ(facts.mx[1].sessions.size(), 2U);
  EXPECT_TRUE(facts.mx[1].sessions[1].is_reached);
  EXPECT_EQ(facts.tlsrpt.outcome, Outcome::kFound);
}

TEST(Observation, StopsWithoutARecordUnlessAskedToGoOn) {
  FakeInternet internet = good_internet();
  internet.txts["_mta-sts.example.com"] = {"v=spf1 -all"};
  internet.servers.clear();
  Observing stops(internet);
  EXPECT_EQ(stops.facts().host_addresses.outcome, Outcome::kNotAsked);
  EXPECT_THAT(stops.internet.asked, Not(Contains(StartsWith("mx "))));
  EXPECT_EQ(Observing(internet).facts("example.com", WithoutRecord::kGoOn).host.size(), 2U);
}

TEST(Observation, APolicyHostInPlaceOfItsDomainIsLookedAtWithItsParent) {
  const FakeInternet internet = good_internet();
  Observing observing(internet);
  const auto seen = observing.facts("mta-sts.example.com").policy_host_name;
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->parent.text(), "example.com");
  EXPECT_EQ(seen->mx.outcome, Outcome::kNoData);
  EXPECT_THAT(seen->parent_record.values, ElementsAre(kRecord));
  EXPECT_EQ(seen->parent_mx.outcome, Outcome::kFound);
  EXPECT_THAT(observing.internet.asked, Not(Contains(StartsWith("policy "))));
}

TEST(Observation, NoParentIsLookedAtOfOtherNames) {
  FakeInternet internet = good_internet();
  internet.txts["_mta-sts.mta-sts.example.com"] = {kRecord};
  for (const char* name : {"mta-sts.example.com", "www.example.com", "mta-sts.com", "mta-sts-x.example.com"})
    EXPECT_FALSE(Observing(internet).facts(name).policy_host_name) << name;
}

TEST(Observation, GoesOnWhereOneOfTheServersHasTheRecord) {
  FakeInternet internet = good_internet();
  internet.txts.erase("_mta-sts.example.com");
  EXPECT_EQ(Observing(internet).facts().host.size(), 2U);
}

TEST(Observation, ComparesTheServersBehindAnAlias) {
  FakeInternet internet = good_internet();
  internet.cnames["_mta-sts.example.com"] = {"_mta-sts.provider.test"};
  internet.txts["_mta-sts.provider.test"] = {kRecord};
  internet.zones["provider.test"] = {"ns.provider.test"};
  internet.hosts["ns.provider.test"] = {"192.0.2.54"};
  internet.servers.insert_or_assign("192.0.2.53",
                                    Texts{Texts::Kind::kFound, {"_mta-sts.provider.test"}, {}, false, {}});
  internet.servers.emplace("192.0.2.54", Texts{Texts::Kind::kFound, {kRecord}, {}, false, "_mta-sts.provider.test"});
  Observing observing(internet);
  const Facts facts = observing.facts();
  EXPECT_EQ(facts.record_alias.kind, AliasFact::Kind::kAlias);
  EXPECT_THAT(facts.record_servers.at(0).record.values, ElementsAre("CNAME _mta-sts.provider.test"));
  EXPECT_THAT(facts.target_servers.at(0).record.values, ElementsAre(kRecord));
  EXPECT_EQ(observing.internet.times("CNAME _mta-sts.example.com at 192.0.2.53"), 1U);
}

TEST(Observation, SaysWhatHadNoAnswerInTime) {
  Observing observing(good_internet());
  observing.begin();
  observing.loop.advance(kTime);
  ASSERT_TRUE(observing.result);
  EXPECT_EQ(observing.result->record.outcome, Outcome::kFailed);
  EXPECT_THAT(observing.result->record.error, HasSubstr("no answer within the time"));
  observing.internet.run();  // too late: nobody is called again
}

TEST(Observation, WhatComesTooLateIsDropped) {
  for (int steps = 1; steps < 30; ++steps) {
    Observing observing(good_internet());
    observing.begin();
    for (int i = 0; i < steps && !observing.result; ++i) observing.internet.step();
    observing.loop.advance(kTime);
    ASSERT_TRUE(observing.result) << steps;
    observing.internet.run();
    EXPECT_EQ(observing.result->domain.text(), "example.com");
  }
}

TEST(Observation, ARandomNameBesideTheRecordShowsAWildcard) {
  FakeInternet internet = good_internet();
  EXPECT_FALSE(Observing(internet).facts().is_record_wildcard);
  internet.sibling_text = "v=spf1 -all";
  EXPECT_FALSE(Observing(internet).facts().is_record_wildcard);
  internet.sibling_text = kRecord;
  EXPECT_TRUE(Observing(internet).facts().is_record_wildcard);
}

TEST(Observation, AFailingResolverIsNoAbsence) {
  FakeInternet internet = good_internet();
  for (const char* name : {"_mta-sts.example.com", "mta-sts.example.com", "example.com", "_smtp._tls.example.com"})
    internet.failing[name] = "SERVFAIL";
  const Facts facts = Observing(internet).facts();
  for (const DnsFact* fact : {&facts.record, &facts.host_addresses, &facts.mx_records, &facts.tlsrpt}) {
    EXPECT_EQ(fact->outcome, Outcome::kFailed);
    EXPECT_EQ(fact->error, "SERVFAIL");
  }
  EXPECT_THAT(facts.mx, IsEmpty());
}

TEST(Observation, WithoutMxTheDomainIsItsOwnHost) {
  FakeInternet internet = good_internet();
  internet.mxs.clear();
  internet.hosts["example.com"] = {"192.0.2.9"};
  const Facts facts = Observing(internet).facts();
  EXPECT_EQ(facts.mx_records.outcome, Outcome::kNoData);
  ASSERT_EQ(facts.mx.size(), 1U);
  EXPECT_EQ(facts.mx[0].host, "example.com");
  internet.mxs["example.com"] = {{0, ""}};
  const Facts null = Observing(internet).facts();
  EXPECT_TRUE(null.is_null_mx);
  EXPECT_THAT(null.mx, IsEmpty());
}

TEST(Observation, LooksAtTwentyHostsOfADomain) {
  FakeInternet internet = good_internet();
  internet.mxs["example.com"].clear();
  for (unsigned i = 0; i < 25; ++i)
    internet.mxs["example.com"].push_back({i, "m" + std::to_string(i) + ".example.com"});
  const Facts facts = Observing(internet).facts();
  ASSERT_EQ(facts.mx.size(), 25U);
  EXPECT_EQ(facts.mx[19].addresses.outcome, Outcome::kNxDomain);
  EXPECT_EQ(facts.mx[20].addresses.outcome, Outcome::kNotAsked);
}

TEST(Observation, LooksAtSixteenAddressesOfAPolicyHost) {
  FakeInternet internet = good_internet();
  for (int i = 0; i < 30; ++i) internet.hosts["mta-sts.example.com"].push_back("192.0.2." + std::to_string(100 + i));
  const Facts facts = Observing(internet).facts();
  EXPECT_EQ(facts.host.size(), 16U);
  EXPECT_EQ(facts.host_addresses.values.size(), 32U);
}

TEST(MxHosts, LooksAtAHostOnceForAllDomains) {
  Observing observing(good_internet());
  for (const char* name : {"_mta-sts.other.test", "_mta-sts.third.test"}) observing.internet.txts[name] = {kRecord};
  for (const char* name : {"other.test", "third.test"}) observing.internet.mxs[name] = {{5, "mx1.example.com"}};
  std::vector<unsigned> preferences;
  for (const char* name : {"example.com", "other.test"})
    observe_domain({observing.loop, {observing.internet, observing.internet}, observing.internet, observing.mx_hosts},
                   Domain::parse(name).value(), WithoutRecord::kStop, kTime,
                   [&](const Facts& facts) { preferences.push_back(facts.mx.back().preference); });
  observing.internet.run();
  EXPECT_EQ(observing.facts("third.test").mx.at(0).sessions.size(), 2U) << "known from before";
  EXPECT_EQ(observing.internet.times("A mx1.example.com"), 1U);
  EXPECT_EQ(observing.internet.times("mx mx1.example.com 192.0.2.25 0"), 1U);
  EXPECT_THAT(preferences, testing::UnorderedElementsAre(20U, 5U));
}

TEST(MxHosts, R29HandsSignedTlsaRecordsToTheSession) {
  FakeInternet internet = good_internet();
  internet.tlsas["_25._tcp.mx1.example.com"] = {{3, 1, 1, std::string(32, 'x')}, {3, 1, 1, "short"}};
  Observing observing(internet);
  const Facts facts = observing.facts();
  EXPECT_EQ(observing.internet.times("mx mx1.example.com 192.0.2.25 2"), 1U);
  EXPECT_THAT(facts.mx[1].tlsa.values, ElementsAre(StartsWith("3 1 1 7878"), "3 1 1 73686f7274"));
  EXPECT_TRUE(facts.mx[1].tlsa.authenticated);
}

AliasFact alias_of(FakeInternet internet, const std::string& name) {
  std::optional<AliasFact> found;
  follow_alias(internet, name, [&](AliasFact alias) { found = std::move(alias); });
  internet.run();
  return found.value();
}

TEST(Alias, TellsWhereANameLeads) {
  FakeInternet internet;
  internet.cnames = {{"a.test", {"B.test"}},       {"b.test", {"c.test"}}, {"c.test", {"here.test"}},
                     {"d.test", {"nowhere.test"}}, {"e.test", {"f.test"}}, {"f.test", {"e.test"}},
                     {"g.test", {"g.test"}}};
  internet.hosts["here.test"] = {"192.0.2.1"};
  EXPECT_EQ(alias_of(internet, "here.test").kind, AliasFact::Kind::kNone);
  EXPECT_EQ(alias_of(internet, "nowhere.test").kind, AliasFact::Kind::kNone);
  const AliasFact alias = alias_of(internet, "A.test");
  EXPECT_EQ(alias.kind, AliasFact::Kind::kAlias);
  EXPECT_THAT(alias.chain, ElementsAre("b.test", "c.test", "here.test"));
  EXPECT_EQ(alias_of(internet, "d.test").kind, AliasFact::Kind::kDangling);
  EXPECT_EQ(alias_of(internet, "e.test").kind, AliasFact::Kind::kLoop);
  EXPECT_EQ(alias_of(internet, "g.test").kind, AliasFact::Kind::kLoop);
  internet.failing["c.test"] = "SERVFAIL";
  EXPECT_EQ(alias_of(internet, "a.test").kind, AliasFact::Kind::kAlias) << "nothing says that it ends nowhere";
}

TEST(Alias, AChainWithoutEndIsACircle) {
  FakeInternet internet;
  for (int i = 0; i < 100; ++i)
    internet.cnames["n" + std::to_string(i) + ".test"] = {"n" + std::to_string(i + 1) + ".test"};
  EXPECT_EQ(alias_of(internet, "n0.test").kind, AliasFact::Kind::kLoop);
  EXPECT_LE(alias_of(internet, "n0.test").chain.size(), 16U);
}

std::vector<std::string> servers_of(FakeInternet internet, const std::string& name) {
  std::optional<std::vector<std::string>> found;
  find_zone_servers(internet, name, [&](std::vector<std::string> names) { found = std::move(names); });
  internet.run();
  return found.value();
}

TEST(Zone, WalksUpToWhereTheZoneBegins) {
  FakeInternet internet;
  internet.zones = {{"example.co.test", {"b.test", "A.test", "b.test"}}, {"co.test", {"registry.test"}}};
  EXPECT_THAT(servers_of(internet, "_mta-sts.deep.example.co.test"), ElementsAre("a.test", "b.test"));
  internet.cnames["_mta-sts.example.co.test"] = {"co.test"};
  EXPECT_THAT(servers_of(internet, "_mta-sts.example.co.test"), ElementsAre("a.test", "b.test"))
      << "behind an alias is another zone";
  EXPECT_THAT(servers_of(internet, "_mta-sts.nothing.test"), IsEmpty());
  internet.failing["example.co.test"] = "SERVFAIL";
  EXPECT_THAT(servers_of(internet, "_mta-sts.example.co.test"), IsEmpty()) << "the parent's servers know nothing of it";
}

TEST(Zone, AsksEveryAddressOfEveryServer) {
  FakeInternet internet;
  const std::string name = "_mta-sts.example.test";
  internet.zones["example.test"] = {"one.test", "two.test", "gone.test"};
  internet.hosts = {{"one.test", {"192.0.2.1", "2001:db8::1"}}, {"two.test", {"192.0.2.2"}}};
  internet.servers.emplace("192.0.2.1", Texts{Texts::Kind::kFound, {kRecord}, {}, false, name});
  internet.servers.emplace("192.0.2.2", Texts{Texts::Kind::kNoData, {}, {}, false, "Elsewhere.test"});
  std::vector<NameserverFact> facts;
  compare_servers({internet, internet}, name, ServerQuestions::Type::kTxt,
                  [&](std::vector<NameserverFact> got) { facts = std::move(got); });
  internet.run();
  ASSERT_EQ(facts.size(), 4U);
  EXPECT_EQ(facts[0].name, "gone.test");
  EXPECT_EQ(facts[0].record.outcome, Outcome::kFailed);
  EXPECT_THAT(facts[1].record.values, ElementsAre(kRecord));
  EXPECT_EQ(facts[2].address, "2001:db8::1");
  EXPECT_EQ(facts[2].record.outcome, Outcome::kFailed);
  EXPECT_THAT(facts[3].record.values, ElementsAre("CNAME elsewhere.test"));
}

}  // namespace
}  // namespace mtasts::check
