// The resolver against real servers: unbound in front of knot (tests/lab/fixtures.py names what they serve).
#include "dns/resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <vector>

#include "core/record.h"
#include "tests/unit/dns/asking.h"
#include "tests/unit/lab.h"

namespace mtasts {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;
using test::Asking;
using test::asking_at;
using test::lab;
using testing::AllOf;
using testing::ElementsAre;
using testing::Ge;
using testing::Gt;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Le;
using testing::UnorderedElementsAre;
using Texts = DnsAnswer<std::string>;
using Mx = DnsAnswer<MxRecord>;

constexpr char kRecord[] = "v=STSv1; id=20261101T000000Z;";

ResolverConfig lab_resolver() { return asking_at({lab("RESOLVER")}); }

// A cached answer's TTL has begun to run down: it may be minutes since another test asked.
auto about(int ttl) { return AllOf(Le(seconds{ttl}), Gt(seconds{ttl / 2})); }

// What others ask for, too, may have been in the resolver's cache for long.
TEST(Resolver, FindsARecordWithItsTtl) {
  const auto answer = Asking(lab_resolver()).txt("_mta-sts.asked-once.test");
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(answer->kind, Texts::Kind::kFound);
  EXPECT_THAT(answer->records, ElementsAre(kRecord));
  EXPECT_THAT(answer->ttl, about(600));
  EXPECT_FALSE(answer->authenticated);
}

TEST(Resolver, R4StringsOfOneRecordAreJoined) {
  const auto answer = Asking(lab_resolver()).txt("_mta-sts.split.test");
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_THAT(answer->records, ElementsAre(kRecord));
  EXPECT_THAT(answer->ttl, about(1100));
}

TEST(Resolver, KeepsTheRecordsOfANameApart) {
  const auto answer = Asking(lab_resolver()).txt("_mta-sts.mixed.test");
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_THAT(answer->records, UnorderedElementsAre(kRecord, "v=spf1 -all"));
  EXPECT_EQ(read_record(answer->records).kind, RecordFinding::Kind::kFound);
}

TEST(Resolver, AsksInAnyCase) {
  const auto answer = Asking(lab_resolver()).txt("_MTA-STS.Good.TEST");
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_THAT(answer->records, ElementsAre(kRecord));
}

TEST(Resolver, R3FollowsACnameIntoAnotherZone) {
  const auto answer = Asking(lab_resolver()).txt("_mta-sts.txtcname.test");
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_THAT(answer->records, ElementsAre(kRecord));
}

TEST(Resolver, R23TtlIsTheSmallestOfTheCnameChain) {
  const auto answer = Asking(lab_resolver()).txt("_mta-sts.txtcname.test");
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_THAT(answer->ttl, about(1200));
}

TEST(Resolver, R20NxDomainIsAnAnswer) {
  const auto answer = Asking(lab_resolver()).txt("_mta-sts.nothere.test");
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(answer->kind, Texts::Kind::kNxDomain);
  EXPECT_THAT(answer->records, IsEmpty());
}

TEST(Resolver, R20NoDataIsAnAnswer) {
  const auto answer = Asking(lab_resolver()).txt("_mta-sts.norecord.test");
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(answer->kind, Texts::Kind::kNoData);
}

TEST(Resolver, R23NegativeAnswersHoldForTheSoaMinimum) {
  for (const char* name : {"_mta-sts.nothere.test", "_mta-sts.norecord.test"}) {
    const auto answer = Asking(lab_resolver()).txt(name);
    ASSERT_TRUE(answer) << answer.error().detail;
    EXPECT_THAT(answer->ttl, AllOf(Le(seconds{120}), Gt(seconds{0}))) << name;
  }
}

TEST(Resolver, R20ServfailIsAFailure) {
  const auto answer = Asking(lab_resolver()).txt("_mta-sts.servfail.test");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kDnsFailure);
  EXPECT_EQ(answer.error().detail, "resolver " + lab("RESOLVER") + ": SERVFAIL (_mta-sts.servfail.test TXT)");
}

TEST(Resolver, R20BogusIsAFailure) {
  const auto answer = Asking(lab_resolver()).txt("_mta-sts.bogus.test");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kDnsFailure);
}

TEST(Resolver, R20ACnameLoopIsAFailure) {
  const auto answer = Asking(lab_resolver()).txt("_mta-sts.cnameloop.test");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kDnsFailure);
}

TEST(Resolver, R20ARefusalIsAFailure) {
  // The authoritative server does not know the zone.
  const auto answer = Asking(asking_at({lab("AUTH")})).txt("_mta-sts.example.com");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kDnsFailure);
  EXPECT_THAT(answer.error().detail, HasSubstr("REFUSED"));
}

TEST(Resolver, R20SilenceIsATimeout) {
  auto config = asking_at({lab("DEAD_RESOLVER")});
  config.timeout = seconds{1};
  const auto begin = steady_clock::now();
  const auto answer = Asking(config).txt("_mta-sts.good.test");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kDnsTimeout) << answer.error().detail;
  EXPECT_THAT(steady_clock::now() - begin, AllOf(Ge(std::chrono::milliseconds{900}), Le(seconds{5})));
}

TEST(Resolver, R20ARefusedConnectionIsUnreachable) {
  const auto answer = Asking(asking_at({lab("REFUSED_RESOLVER")})).txt("_mta-sts.good.test");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kDnsUnreachable);
  EXPECT_THAT(answer.error().detail, HasSubstr(lab("REFUSED_RESOLVER")));
}

TEST(Resolver, TheNextResolverAnswersForARefusedOne) {
  const auto answer = Asking(asking_at({lab("REFUSED_RESOLVER"), lab("RESOLVER")})).txt("_mta-sts.good.test");
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_THAT(answer->records, ElementsAre(kRecord));
}

TEST(Resolver, TheNextResolverAnswersForASilentOneWhichIsThenAvoided) {
  auto config = asking_at({lab("DEAD_RESOLVER"), lab("RESOLVER")});
  config.timeout = seconds{1};
  Asking asking(config);
  ASSERT_TRUE(asking.txt("_mta-sts.good.test"));
  const auto begin = steady_clock::now();
  ASSERT_TRUE(asking.txt("_mta-sts.split.test"));
  EXPECT_LT(steady_clock::now() - begin, std::chrono::milliseconds{900});
}

TEST(Resolver, TheNextResolverAnswersForAServfail) {
  // For the bogus zone the validating resolver says SERVFAIL, the authoritative server answers.
  const auto answer = Asking(asking_at({lab("RESOLVER"), lab("AUTH")})).txt("_mta-sts.bogus.test");
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(answer->kind, Texts::Kind::kFound);
}

TEST(Resolver, TheThirdResolverAnswersForTwoDeadOnes) {
  const std::string refused = lab("REFUSED_RESOLVER");
  const auto answer = Asking(asking_at({refused, refused, lab("RESOLVER")})).txt("_mta-sts.good.test");
  ASSERT_TRUE(answer) << answer.error().detail;
}

TEST(Resolver, ReadsMxRecordsWithPreferences) {
  const auto answer = Asking(lab_resolver()).mx("manymx.test");
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(answer->kind, Mx::Kind::kFound);
  EXPECT_THAT(answer->ttl, about(1600));
  std::vector<std::string> found;
  for (const auto& record : answer->records) found.push_back(std::to_string(record.preference) + " " + record.host);
  EXPECT_THAT(found,
              UnorderedElementsAre("10 a.manymx.test", "10 b.manymx.test", "20 c.manymx.test", "5 d.manymx.test"));
}

TEST(Resolver, ANullMxHasAnEmptyName) {
  const auto answer = Asking(lab_resolver()).mx("nullmx.test");
  ASSERT_TRUE(answer) << answer.error().detail;
  ASSERT_EQ(answer->records.size(), 1U);
  EXPECT_EQ(answer->records[0].host, "");
  EXPECT_EQ(answer->records[0].preference, 0U);
}

TEST(Resolver, FindsBothKindsOfAddresses) {
  const auto answer = Asking(lab_resolver()).addresses("mx1.signed.test");
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(answer->kind, Texts::Kind::kFound);
  EXPECT_THAT(answer->records, UnorderedElementsAre("192.0.2.26", "2001:db8::26"));
  EXPECT_THAT(answer->ttl, about(1900));
}

TEST(Resolver, OneKindOfAddressesIsEnough) {
  Asking asking(lab_resolver());
  const auto v4 = asking.addresses("mx1.good.test");
  ASSERT_TRUE(v4) << v4.error().detail;
  EXPECT_THAT(v4->records, ElementsAre("192.0.2.25"));
  const auto v6 = asking.addresses("mta-sts.ipv6only.test");
  ASSERT_TRUE(v6) << v6.error().detail;
  EXPECT_EQ(v6->kind, Texts::Kind::kFound);
  EXPECT_EQ(v6->records.size(), 1U);
}

TEST(Resolver, AddressesFollowCnames) {
  const auto answer = Asking(lab_resolver()).addresses("mta-sts.cname.test");
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(answer->records.size(), 1U);
}

TEST(Resolver, NoAddressesIsAnAnswer) {
  const auto answer = Asking(lab_resolver()).addresses("mta-sts.nohost.test");
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(answer->kind, Texts::Kind::kNxDomain);
}

TEST(Resolver, AddressesFailWhenNeitherKindCanBeAskedFor) {
  const auto answer = Asking(lab_resolver()).addresses("mta-sts.servfail.test");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kDnsFailure);
}

TEST(Resolver, R29ReadsTlsaRecordsOctetByOctet) {
  const auto answer = Asking(lab_resolver()).tlsa("_25._tcp.mx2.dane.test");
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(answer->kind, DnsAnswer<TlsaRecord>::Kind::kFound);
  EXPECT_TRUE(answer->authenticated);
  EXPECT_THAT(answer->ttl, about(900));
  ASSERT_EQ(answer->records.size(), 1U);
  EXPECT_EQ(answer->records[0].usage, 2U);
  EXPECT_EQ(answer->records[0].selector, 0U);
  EXPECT_EQ(answer->records[0].matching, 2U);
  EXPECT_EQ(answer->records[0].data, std::string(64, '\xa2'));
}

TEST(Resolver, R29DeniedTlsaRecordsAreAnAuthenticatedAnswer) {
  const auto answer = Asking(lab_resolver()).tlsa("_25._tcp.notlsa.dane.test");
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(answer->kind, DnsAnswer<TlsaRecord>::Kind::kNxDomain);
  EXPECT_TRUE(answer->authenticated);
}

TEST(Resolver, R29TlsaRecordsWithABrokenSignatureAreAFailure) {
  const auto answer = Asking(lab_resolver()).tlsa("_25._tcp.badtlsa.dane.test");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kDnsFailure);
}

TEST(Resolver, TellsWhereCnamesLedTo) {
  Asking asking(lab_resolver());
  EXPECT_EQ(asking.addresses("Alias.dane.test")->owner, "mx1.dane.test");
  EXPECT_EQ(asking.addresses("MX1.dane.test")->owner, "mx1.dane.test");
  EXPECT_EQ(asking.addresses("leaves.dane.test")->owner, "mx1.good.test");
}

TEST(Resolver, AsksForACnameWithoutFollowingIt) {
  Asking asking(lab_resolver());
  const auto answer = asking.cname("leaves.dane.test");
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_THAT(answer->records, ElementsAre("mx1.good.test"));
  EXPECT_TRUE(answer->authenticated) << "it is in the signed zone, whatever it points to";
  EXPECT_FALSE(asking.addresses("leaves.dane.test")->authenticated);
  EXPECT_EQ(asking.cname("mx1.dane.test")->kind, Texts::Kind::kNoData);
}

TEST(Resolver, TrustsTheAdBitOfALoopbackResolver) {
  Asking asking(lab_resolver());
  EXPECT_TRUE(asking.txt("_mta-sts.signed.test")->authenticated);
  EXPECT_TRUE(asking.mx("signed.test")->authenticated);
  EXPECT_TRUE(asking.addresses("mx1.signed.test")->authenticated);
  EXPECT_FALSE(asking.mx("good.test")->authenticated);
}

TEST(Resolver, NeverTrustsTheAdBitWhenToldSo) {
  auto config = lab_resolver();
  config.trust_ad = ResolverConfig::TrustAd::kNever;
  EXPECT_FALSE(Asking(config).txt("_mta-sts.signed.test")->authenticated);
}

TEST(Resolver, DoesNotTrustTheAdBitWhenOneOfTheResolversIsRemote) {
  auto config = asking_at({lab("RESOLVER"), "192.0.2.1"});
  EXPECT_FALSE(Asking(config).txt("_mta-sts.signed.test")->authenticated);
  config.trust_ad = ResolverConfig::TrustAd::kAlways;
  EXPECT_TRUE(Asking(config).txt("_mta-sts.signed.test")->authenticated);
}

TEST(Resolver, AsksOverTls) {
  auto config = asking_at({lab("TLS_RESOLVER")});
  config.transport = ResolverConfig::Transport::kTls;
  Asking asking(config);
  for (int i = 0; i < 3; ++i) {
    const auto answer = asking.txt("_mta-sts.good.test");
    ASSERT_TRUE(answer) << answer.error().detail;
    EXPECT_THAT(answer->records, ElementsAre(kRecord));
  }
}

TEST(Resolver, TlsNeverFallsBackToClearText) {
  auto config = lab_resolver();  // speaks clear text only
  config.transport = ResolverConfig::Transport::kTls;
  EXPECT_FALSE(Asking(config).txt("_mta-sts.good.test"));
}

TEST(Resolver, AnswersEachOfManyQuestions) {
  auto config = lab_resolver();
  config.max_in_flight = 50;
  Asking asking(config);
  constexpr int kQuestions = 1000;
  int answered = 0;
  int failed = 0;
  for (int i = 0; i < kQuestions; ++i) {
    asking.resolver().txt("_mta-sts.good.test", [&](auto answer) {
      failed += answer ? 0 : 1;
      if (++answered == kQuestions) asking.loop().stop();
    });
  }
  asking.loop().run();
  EXPECT_EQ(answered, kQuestions);
  EXPECT_EQ(failed, 0);
}

TEST(Resolver, AnswersInOrderWhenOnlyOneMayBeInFlight) {
  auto config = lab_resolver();
  config.max_in_flight = 1;
  Asking asking(config);
  std::vector<int> order;
  for (int i = 0; i < 5; ++i) {
    asking.resolver().txt(i % 2 == 0 ? "_mta-sts.good.test" : "_mta-sts.nothere.test", [&, i](auto) {
      order.push_back(i);
      if (order.size() == 5) asking.loop().stop();
    });
  }
  asking.loop().run();
  EXPECT_THAT(order, ElementsAre(0, 1, 2, 3, 4));
}

TEST(Resolver, MayBeAskedFromInsideACallback) {
  Asking asking(lab_resolver());
  bool done = false;
  asking.resolver().txt("_mta-sts.good.test", [&](auto) {
    asking.resolver().addresses("mx1.good.test", [&](auto answer) {
      done = answer && answer->kind == Texts::Kind::kFound;
      asking.loop().stop();
    });
  });
  asking.loop().run();
  EXPECT_TRUE(done);
}

TEST(Resolver, MayBeAskedAgainFromInsideTheCallbackOfAFailure) {
  // getdns is tearing the connection down while it calls back.
  Asking asking(asking_at({lab("REFUSED_RESOLVER")}));
  int failed = 0;
  std::function<void(Result<Texts>)> again = [&](auto answer) {
    if (!answer && ++failed < 3)
      asking.resolver().txt("_mta-sts.good.test", again);
    else
      asking.loop().stop();
  };
  asking.resolver().txt("_mta-sts.good.test", again);
  asking.loop().run();
  EXPECT_EQ(failed, 3);
}

TEST(Resolver, DropsTheQuestionsUnderWayAtItsEnd) {
  // The second resolver is the last that is tried: what ends there would be told, were it not for the end.
  Asking asking(asking_at({lab("REFUSED_RESOLVER"), lab("DEAD_RESOLVER")}));
  bool called = false;
  for (int i = 0; i < 3; ++i) asking.resolver().txt("_mta-sts.good.test", [&](auto) { called = true; });
  const auto watch = asking.loop().after(std::chrono::milliseconds{200}, [&] { asking.loop().stop(); });
  asking.loop().run();
  asking.resolver().txt("_mta-sts.good.test", [&](auto) { called = true; });
  asking.destroy_resolver();
  const auto end = asking.loop().after(std::chrono::milliseconds{50}, [&] { asking.loop().stop(); });
  asking.loop().run();
  EXPECT_FALSE(called);
}

TEST(Resolver, TheLoopEndsWhenAllIsAnswered) {
  Asking asking(lab_resolver());
  bool called = false;
  asking.resolver().txt("_mta-sts.good.test", [&](auto) { called = true; });
  asking.loop().run();
  EXPECT_TRUE(called);
}

TEST(Resolver, RefusesWhatIsNoName) {
  Asking asking(lab_resolver());
  for (const char* name : {"", ".", "a..b", "white space.test", "back\\slash.test", "-\xff.test",
                           "a.label.of.sixty-four.octets."
                           "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.test"}) {
    const auto answer = asking.txt(name);
    ASSERT_FALSE(answer) << name;
    EXPECT_EQ(answer.error().code, ErrorCode::kInvalidName) << name;
  }
}

TEST(Resolver, RefusesAnAddressThatIsNone) {
  auto loop = make_event_loop();
  const auto resolver = make_resolver(**loop, asking_at({"127.0.0.1", "localhost"}));
  ASSERT_FALSE(resolver);
  EXPECT_EQ(resolver.error().code, ErrorCode::kConfig);
  EXPECT_THAT(resolver.error().detail, HasSubstr("localhost"));
}

TEST(Resolver, IsOfNoUseInAChild) {
  Asking asking(lab_resolver());
  ASSERT_TRUE(asking.txt("_mta-sts.good.test"));
  const pid_t child = fork();
  if (child == 0) {
    const auto answer = asking.txt("_mta-sts.good.test");
    _exit(!answer && answer.error().code == ErrorCode::kInternal ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(asking.txt("_mta-sts.good.test"));
}

}  // namespace
}  // namespace mtasts
