// What is added to main.cf, and what of the administrator's stays.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/cli/setup/marks.h"
#include "adapters/cli/setup/policy_maps.h"

namespace mtasts::setup {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using testing::Not;
using testing::Pair;

constexpr const char* kCaFile = "/etc/ssl/certs/ca-certificates.crt";

PostfixFacts facts(int minor = 7, bool validating_resolver = false) {
  return {3, minor, "socketmap:unix:mtasts/socketmap.sock", kCaFile, validating_resolver};
}

PostfixLines lines(const std::string& text, const PostfixFacts& seen = facts(), OtherMaps others = OtherMaps::kKept) {
  return postfix_lines(MainCf(text), seen, others);
}

TEST(PostfixLines, NamesTheMapThatTheVersionUnderstands) {
  EXPECT_THAT(lines("", facts(9)).settings,
              Contains(Pair("smtp_tls_policy_maps", "socketmap:unix:mtasts/socketmap.sock:postfix")));
  EXPECT_THAT(lines("", facts(10)).settings,
              Contains(Pair("smtp_tls_policy_maps", "socketmap:unix:mtasts/socketmap.sock:postfix-tlsrpt")));
}

TEST(PostfixLines, TheAdministratorsMapsStayAndComeFirst) {
  const std::string text =
      "smtp_tls_policy_maps = hash:/etc/postfix/tls_policy,\n# a comment\n   inline:{ {a.example = may}, "
      "b.example=none }\n";
  EXPECT_THAT(lines(text).settings,
              Contains(Pair("smtp_tls_policy_maps",
                            "hash:/etc/postfix/tls_policy, inline:{ {a.example = may}, b.example=none }, "
                            "socketmap:unix:mtasts/socketmap.sock:postfix")));
}

TEST(PostfixLines, AMapOfMtastsdThatWasAddedByHandMakesWayForTheOneThatChecksMore) {
  const auto seen = lines("smtp_tls_policy_maps = socketmap:unix:mtasts/socketmap.sock:postfix\n", facts(10));
  EXPECT_THAT(seen.settings,
              Contains(Pair("smtp_tls_policy_maps", "socketmap:unix:mtasts/socketmap.sock:postfix-tlsrpt")));
  EXPECT_THAT(seen.notes, Contains(HasSubstr("asks mtastsd already")));
}

// Postfix does not look at it any more once there is a policy map.
TEST(PostfixLines, APerSiteTableIsNotSilentlyDropped) {
  EXPECT_THAT(lines("smtp_tls_per_site = hash:/etc/postfix/tls_per_site\n").refused, HasSubstr("smtp_tls_per_site"));
}

TEST(PostfixLines, AFolderOfPrivateAuthoritiesStaysTheOnlyOne) {
  const auto seen = lines("smtp_tls_CApath = /etc/postfix/authorities\n");
  EXPECT_THAT(seen.settings, Not(Contains(Key("smtp_tls_CAfile"))));
  EXPECT_THAT(seen.notes, Contains(HasSubstr("/etc/postfix/authorities")));
  EXPECT_THAT(lines("smtp_tls_CApath = /etc/ssl/certs\n").settings, Contains(Pair("smtp_tls_CAfile", kCaFile)));
}

TEST(PostfixLines, AStricterLevelStays) {
  for (const std::string level : {"encrypt", "verify", "secure", "dane-only", "dane", "fingerprint", "none", "$mine"}) {
    EXPECT_THAT(lines("smtp_tls_security_level = " + level + "\n", facts(7, true)).settings,
                Not(Contains(Key("smtp_tls_security_level"))))
        << level;
  }
  EXPECT_THAT(lines("smtp_enforce_tls = yes\n", facts(7, true)).settings,
              Not(Contains(Key("smtp_tls_security_level"))));
}

TEST(PostfixLines, MayBecomesDaneOnlyWhereDnssecIsValidated) {
  EXPECT_THAT(lines("smtp_tls_security_level = may\n").settings, Not(Contains(Key("smtp_tls_security_level"))));
  const auto with_dnssec = lines("smtp_tls_security_level=may\n", facts(7, true)).settings;
  EXPECT_THAT(with_dnssec, Contains(Pair("smtp_tls_security_level", "dane")));
  EXPECT_THAT(with_dnssec, Contains(Pair("smtp_dns_support_level", "dnssec")));
  EXPECT_THAT(lines("").settings, Contains(Pair("smtp_tls_security_level", "may")));
}

// A resolver that is being started again is not there for a moment.
TEST(PostfixLines, DaneThatWasSwitchedOnStaysWhileNoResolverAnswers) {
  for (const std::string text : {"", "smtp_tls_security_level = may\n", "smtp_tls_security_level = encrypt\n"}) {
    const MainCf base(text);
    const auto first = postfix_lines(base, facts(10, true), OtherMaps::kKept).settings;
    const std::string applied = base.with(first);
    ASSERT_TRUE(relies_on_dnssec(applied)) << text;
    PostfixFacts later = facts(10);
    later.dnssec_is_set_up = true;
    const auto again = postfix_lines(base, later, OtherMaps::kKept);
    EXPECT_EQ(again.settings, first) << text;
    EXPECT_THAT(again.notes, Contains(HasSubstr("DANE stays switched on"))) << text;
  }
  EXPECT_FALSE(relies_on_dnssec(MainCf("").with(lines("").settings)));
  EXPECT_FALSE(relies_on_dnssec("smtp_tls_security_level = dane\nsmtp_dns_support_level = dnssec\n"))
      << "the administrator's";
}

// What mtastsd answers where DANE judges needs it, whatever the level is.
TEST(PostfixLines, PostfixAsksForDnssecWhereItIsValidated) {
  for (const std::string level : {"may", "encrypt", "secure", "dane", "dane-only"}) {
    for (const std::string support : {"", "smtp_dns_support_level = enabled\n"}) {
      const std::string text = "smtp_tls_security_level = " + level + "\n" + support;
      EXPECT_THAT(lines(text, facts(7, true)).settings, Contains(Pair("smtp_dns_support_level", "dnssec"))) << text;
      EXPECT_THAT(lines(text).settings, Not(Contains(Key("smtp_dns_support_level")))) << text;
    }
  }
  const auto off = lines("smtp_dns_support_level = disabled\n", facts(7, true));
  EXPECT_THAT(off.settings, Not(Contains(Key("smtp_dns_support_level"))));
  EXPECT_THAT(off.notes, Contains(HasSubstr("smtp_dns_support_level stays disabled")));
}

// It is returned otherwise, and whoever is on the way can have that.
TEST(PostfixLines, R26MailWaitsWhereAHostRefusesStartTlsForGood) {
  for (const int minor : {7, 10})
    EXPECT_THAT(
        lines("", facts(minor)).settings,
        Contains(Pair("smtp_delivery_status_filter", AllOf(HasSubstr("refused to start TLS"), HasSubstr("4$$1")))));
  for (const std::string own :
       {"smtp_delivery_status_filter = pcre:/etc/postfix/dsn\n",
        "default_delivery_status_filter = pcre:/etc/postfix/dsn\n", "smtp_delivery_status_filter =\n"}) {
    EXPECT_THAT(lines(own).settings, Not(Contains(Key("smtp_delivery_status_filter")))) << own;
    EXPECT_THAT(lines(own).notes, Contains(HasSubstr("refuses STARTTLS"))) << own;
  }
  const auto old = lines("", facts(6));
  EXPECT_THAT(old.settings, Not(Contains(Key("smtp_delivery_status_filter"))));
  EXPECT_THAT(old.notes, Contains(AllOf(HasSubstr("refuses STARTTLS"), HasSubstr("main.cf.before-3.10"))));
  const MainCf ours("smtp_delivery_status_filter = regexp:{{/^5(.*refused to start TLS.*)/ 4$$1}}\n");
  EXPECT_THAT(postfix_lines(ours, facts(), OtherMaps::kKept).notes, Not(Contains(HasSubstr("STARTTLS"))));
}

TEST(PostfixLines, OtherSoftwareIsReplacedOnlyWhenToldSo) {
  for (const std::string map :
       {"socketmap:inet:127.0.0.1:8461:postfix", "socketmap:inet:127.0.0.1:8642:QUERYwithTLSRPT",
        "socketmap:unix:/run/postfix-tlspol/tlspol.sock:QUERY"}) {
    const std::string text = "smtp_tls_policy_maps = hash:/etc/postfix/mine " + map + "\n";
    EXPECT_THAT(lines(text).refused, HasSubstr("--replace")) << map;
    EXPECT_THAT(
        lines(text, facts(), OtherMaps::kReplaced).settings,
        Contains(Pair("smtp_tls_policy_maps", "hash:/etc/postfix/mine, socketmap:unix:mtasts/socketmap.sock:postfix")));
  }
  EXPECT_THAT(lines("smtp_tls_policy_maps = socketmap:unix:/run/my-own.sock:x\n").refused, IsEmpty());
}

TEST(PostfixLines, AuthoritiesOfTheAdministratorStay) {
  EXPECT_THAT(lines("").settings, Contains(Pair("smtp_tls_CAfile", kCaFile)));
  const auto own = lines("smtp_tls_CAfile = /etc/own.pem\n");
  EXPECT_THAT(own.settings, Not(Contains(Key("smtp_tls_CAfile"))));
  EXPECT_THAT(own.notes, Contains(HasSubstr("/etc/own.pem")));
}

TEST(MainCf, TheLastOfSeveralLinesCounts) {
  const MainCf main_cf("a = 1\r\n  2\r\n\r\nb=x\n#a = 7\na =\n   3\n\n   # no\n  4\n");
  EXPECT_EQ(main_cf.value("a"), "3 4");
  EXPECT_EQ(main_cf.value("b"), "x");
  EXPECT_EQ(main_cf.value("c"), std::nullopt);
}

TEST(MainCf, WhatIsSetAsideComesBackByteForByte) {
  const std::string text = "#first\r\nmaps =\r\n\tone,\n# in between\n  two\n\nother = 1\nmaps = three\n";
  const std::string changed = MainCf(text).with({{"maps", "three, ours"}});
  EXPECT_EQ(MainCf(changed).value("maps"), "three, ours");
  EXPECT_EQ(MainCf(changed).value("other"), "1");
  EXPECT_EQ(unmarked(changed), text);
}

TEST(MainCf, ContinuationOfALineThatStaysIsNotTakenForOurs) {
  const MainCf main_cf(MainCf("a = 1\nb = 2\n  3").with({{"a", "9"}}));
  EXPECT_EQ(main_cf.value("b"), "2 3");
  EXPECT_EQ(main_cf.value("a"), "9");
}

}  // namespace
}  // namespace mtasts::setup
