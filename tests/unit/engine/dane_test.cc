// What the lab's signed zones (tests/lab/fixtures.py) come to: knot signs, unbound validates, the resolver of dns/
// asks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "dns/resolver.h"
#include "module/engine/dane_lookup.h"
#include "module/io/event_loop.h"
#include "tests/unit/lab.h"

namespace mtasts {
namespace {

using std::chrono::seconds;
using test::lab;
using testing::AllOf;
using testing::Gt;
using testing::HasSubstr;
using testing::Le;
using Kind = DaneFinding::Kind;

DaneFinding look_up(const std::string& domain, ResolverConfig config = {}) {
  if (config.resolvers.empty()) config.resolvers = {lab("RESOLVER")};
  const auto loop = make_event_loop().value();
  const auto resolver = make_resolver(*loop, config).value();
  DaneFinding finding;
  int calls = 0;
  dane_lookup(*loop, *resolver, Domain::parse(domain).value(), {}, [&](DaneFinding found) {
    finding = std::move(found);
    ++calls;
  });
  loop->run();
  EXPECT_EQ(calls, 1) << domain;
  return finding;
}

void expect(const std::string& domain, Kind kind, const std::string& says) {
  const auto finding = look_up(domain);
  EXPECT_EQ(finding.kind, kind) << domain << ": " << finding.reason;
  EXPECT_THAT(finding.reason, HasSubstr(says)) << domain;
  EXPECT_TRUE(kind != Kind::kFailed || finding.ttl == seconds{0}) << domain;
}

TEST(SignedZones, R29SignedMxAndTlsaRecordsAreDane) {
  expect("secure.dane.test", Kind::kUsable, "DANE applies to mx1.dane.test, mx2.dane.test");
  expect("signed.test", Kind::kUsable, "mx1.signed.test");
  EXPECT_THAT(look_up("signed.test").ttl, AllOf(Le(seconds{1800}), Gt(seconds{1200})));
}

TEST(SignedZones, R29UnsignedMxRecordsMakeSignedTlsaRecordsWorthless) {
  expect("unsignedmx.test", Kind::kNone, "MX records are not signed");
}

TEST(SignedZones, R29AnUnsignedHostIsNotDane) {
  expect("unsignedhost.dane.test", Kind::kNone, "mx1.good.test (its addresses are not signed)");
}

TEST(SignedZones, R29BrokenSignaturesFail) {
  expect("bogus.test", Kind::kFailed, "SERVFAIL");
  expect("badhost.dane.test", Kind::kFailed, "badtlsa.dane.test");
  expect("onebad.dane.test", Kind::kPartly, "cannot be judged for badtlsa.dane.test");
  expect("servfail.test", Kind::kFailed, "SERVFAIL");
}

TEST(SignedZones, R29DeniedTlsaRecordsAreNoDane) {
  expect("denied.dane.test", Kind::kNone, "notlsa.dane.test (no TLSA records)");
  EXPECT_THAT(look_up("denied.dane.test").ttl, AllOf(Le(seconds{120}), Gt(seconds{0})));
  expect("partly.dane.test", Kind::kPartly, "does not apply to notlsa.dane.test");
}

TEST(SignedZones, R29UnusableTlsaRecordsAreNoDane) {
  expect("usage.dane.test", Kind::kNone, "no usable TLSA record");
  expect("digest.dane.test", Kind::kNone, "no usable TLSA record");
}

TEST(SignedZones, AliasesInsideTheSignedZoneCountAtEitherName) {
  expect("toalias.dane.test", Kind::kUsable, "alias.dane.test");
  expect("toownalias.dane.test", Kind::kUsable, "ownalias.dane.test");
}

TEST(SignedZones, AliasesThatLeaveTheSignedZoneCountAtTheirOwnName) {
  expect("toleaves.dane.test", Kind::kUsable, "leaves.dane.test");
  expect("toleavesbare.dane.test", Kind::kNone, "no TLSA records");
}

TEST(SignedZones, WithoutMxRecordsTheDomainItselfIsLookedAt) {
  expect("implicit.dane.test", Kind::kUsable, "implicit.dane.test");
  expect("implicitnotlsa.dane.test", Kind::kNone, "no TLSA records");
}

TEST(SignedZones, WhereThereIsNothingThereIsNoDane) {
  expect("null.dane.test", Kind::kNone, "takes no mail");
  expect("nosuchname.dane.test", Kind::kNone, "no such domain");
  expect("nohost.dane.test", Kind::kNone, "no address");
}

TEST(SignedZones, R29WhereNobodyIsTrustedToValidateThereIsNoDane) {
  ResolverConfig config;
  config.trust_ad = ResolverConfig::TrustAd::kNever;
  EXPECT_EQ(look_up("secure.dane.test", config).kind, Kind::kNone);
}

TEST(SignedZones, R29AResolverThatCannotBeReachedFails) {
  ResolverConfig config;
  config.resolvers = {lab("REFUSED_RESOLVER")};
  EXPECT_EQ(look_up("secure.dane.test", config).kind, Kind::kFailed);
}

}  // namespace
}  // namespace mtasts
