// Which smtpd.conf is changed, how, and which one is left to its administrator.
#include "adapters/cli/setup/smtpd_conf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/cli/setup/marks.h"

namespace mtasts::setup {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kToml = "/etc/mtasts/mtasts.toml";

SmtpdLines lines(const std::string& text) { return smtpd_lines(text, kToml); }

TEST(SmtpdConf, DebiansOwnGetsABlockBeforeItsLastRule) {
  const std::string text =
      "table aliases file:/etc/aliases\nlisten on localhost\naction \"local\" maildir alias <aliases>\naction "
      "\"relay\" relay\n"
      "match for local action \"local\"\nmatch from local for any action \"relay\"\n";
  const SmtpdLines changed = lines(text);
  EXPECT_THAT(changed.refused, IsEmpty());
  EXPECT_EQ(unmarked(changed.text), text);
  EXPECT_THAT(
      changed.text,
      HasSubstr(
          "table mtasts mtasts:/etc/mtasts/mtasts.toml\nca \"mtasts\" cert \"/etc/ssl/certs/ca-certificates.crt\"\n"
          "action \"mtasts\" relay domain <mtasts> tls ca \"mtasts\"\n"
          "match from local for domain <mtasts> action \"mtasts\"\n"));
  EXPECT_LT(changed.text.find("match for local"), changed.text.find("domain <mtasts>"));
  EXPECT_LT(changed.text.find("action \"mtasts\"\n"), changed.text.find("match from local for any"));
}

TEST(SmtpdConf, OptionsCommentsContinuedLinesAndCrLfAreKept) {
  const std::string text =
      "action out relay \\\r\n  helo \"a b.example\" src 192.0.2.1 # why\r\nmatch \\\n  from src { 192.0.2.0/24 } \\\n "
      " for any action out # last";
  const SmtpdLines changed = lines(text);
  EXPECT_THAT(changed.refused, IsEmpty());
  EXPECT_EQ(unmarked(changed.text), text);
  EXPECT_THAT(changed.text,
              HasSubstr("action \"mtasts\" relay helo \"a b.example\" src 192.0.2.1 domain <mtasts> tls"));
  EXPECT_THAT(changed.text, HasSubstr("match from src { 192.0.2.0/24 } for domain <mtasts> action \"mtasts\"\n"));
}

TEST(SmtpdConf, EveryRuleOfTheActionIsCopied) {
  const SmtpdLines changed = lines(
      "listen on lo tag DKIM\naction r relay\nmatch tag DKIM for any action r\nmatch from local for any action r\n");
  EXPECT_EQ(blocks(changed.text).size(), 2U);
  EXPECT_THAT(changed.text, HasSubstr("match tag DKIM for domain <mtasts> action \"mtasts\""));
}

TEST(SmtpdConf, AServerForLoginsNeedsATag) {
  for (const std::string rule : {"match auth from any for any action r\n", "match from any for any action r\n",
                                 "match tag SUB from any for any action r\n"}) {
    const SmtpdLines refused = lines("listen on eth0 auth-optional tag SUB\naction r relay\n" + rule);
    EXPECT_THAT(refused.refused, HasSubstr("submission.conf")) << rule;
    EXPECT_THAT(refused.by_hand, HasSubstr("table mtasts mtasts:"));
    EXPECT_THAT(refused.text, IsEmpty());
  }
  EXPECT_THAT(
      lines("listen on eth0 tls-require auth tag SUB\naction r relay\nmatch tag SUB from any for any action r\n")
          .refused,
      IsEmpty());
}

TEST(SmtpdConf, WhatCannotBeCopiedIsLeftToTheAdministrator) {
  for (const std::string text :
       {"action r relay host smtp+tls://mail.example\nmatch for any action r\n",
        "action r relay tls no-verify\nmatch for any action r\n",
        "action r relay\nmatch !from local for any action r\n",
        "action r relay\nmatch mail-from <x> for any action r\n",
        "action a relay\naction b relay helo x\nmatch for any action a\nmatch from local for any action b\n",
        "ca mtasts cert \"/x\"\naction r relay\nmatch for any action r\n", "include \"/etc/smtpd.d/rules\"\n", ""}) {
    EXPECT_THAT(lines(text).refused, Not(IsEmpty())) << text;
    EXPECT_THAT(lines(text).text, IsEmpty()) << text;
  }
}

// Their mail would go by the recipients' MX hosts and by none of our rules.
TEST(SmtpdConf, ARelayRuleThatIsNotForAnyIsLeftToTheAdministrator) {
  const std::string last = "match from local for any action r\n";
  for (const std::string rule :
       {"match from local for domain <partners> action r\n", "match from local for ! domain <blocked> action r\n",
        "match from local for rcpt-to <people> action \"r\"\n", "match from local action r\n",
        "match !for any action r\n", "include \"/etc/smtpd.d/rules\"\n"}) {
    for (const std::string& text : {rule + last, last + rule}) {
      const SmtpdLines refused = lines("action r relay\n" + text);
      EXPECT_THAT(refused.refused, Not(IsEmpty())) << text;
      EXPECT_THAT(refused.text, IsEmpty()) << text;
      EXPECT_THAT(refused.by_hand, HasSubstr("for domain <mtasts>")) << text;
    }
  }
}

TEST(SmtpdConf, ARouteOfTheAdministratorsToAHostOfItsOwnStays) {
  for (const std::string route : {"host smtp://inside.example", "domain <routes>"}) {
    const SmtpdLines changed = lines("action a relay " + route +
                                     "\naction r relay\nmatch from local for domain <inside> action a\n"
                                     "match from local for any action r\n");
    EXPECT_THAT(changed.refused, IsEmpty()) << route;
    EXPECT_EQ(blocks(changed.text).size(), 1U) << route;
  }
}

// smtpd takes either "host" or "domain"; and a smarthost has no recipients' policies to follow.
TEST(SmtpdConf, NoLinesAreShownForASmarthost) {
  const SmtpdLines refused = lines("action r relay host smtps://a@mail.example auth <x>\nmatch for any action r\n");
  EXPECT_THAT(refused.refused, HasSubstr("smarthost.conf"));
  EXPECT_THAT(refused.by_hand, IsEmpty());
}

TEST(SmtpdConf, LinesAddedByHandAreLeftAlone) {
  const SmtpdLines there = lines("table sts mtasts:/etc/mtasts/mtasts.toml\naction r relay\nmatch for any action r\n");
  EXPECT_THAT(there.refused, IsEmpty());
  EXPECT_THAT(there.text, IsEmpty());
}

}  // namespace
}  // namespace mtasts::setup
