// Which sendmail.mc gets the line, and what mtasts.m4 says then.
#include "adapters/cli/setup/sendmail_mc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/cli/setup/marks.h"

namespace mtasts::setup {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kM4 =
    "dnl first\ndefine(`confCACERT', `/etc/ssl/certs/ca-certificates.crt')dnl\ndefine(`confCACERT_PATH', "
    "`/etc/ssl/certs')dnl\n"
    "FEATURE(`sts', `socket -d30 -T<TMPF> inet:8461@127.0.0.1', `NO_SAN_TST')dnl\n"
    "FEATURE(`sts', `socket -d30 -T<TMPF> inet:8461@127.0.0.1')dnl\n";

TEST(SendmailMc, TheLineComesBeforeTheMailers) {
  const std::string text = "dnl MAILER(`x')\nOSTYPE(`debian')dnl\r\nMAILER_DEFINITIONS\nMAILER(`smtp')dnl";
  const SendmailLines lines = sendmail_lines(text);
  EXPECT_EQ(unmarked(lines.text), text);
  EXPECT_LT(lines.text.find("OSTYPE"), lines.text.find("include(`/etc/mail/mtasts.m4')dnl"));
  EXPECT_LT(lines.text.find("include("), lines.text.find("MAILER_DEFINITIONS"));
}

TEST(SendmailMc, WhatIsThereAlreadyIsLeftAlone) {
  const SendmailLines lines = sendmail_lines("include(`/etc/mail/mtasts.m4')dnl\nMAILER(`smtp')dnl\n");
  EXPECT_THAT(lines.text, IsEmpty());
  EXPECT_THAT(lines.refused, IsEmpty());
}

TEST(SendmailMc, ASmarthostAnotherStsFeatureAndNoMailersAreRefused) {
  for (const std::string text : {"define(`SMART_HOST', `x')dnl\nMAILER(`smtp')\n",
                                 "FEATURE(`sts', `socket x')\nMAILER(`smtp')\n", "OSTYPE(`x')\n"}) {
    EXPECT_THAT(sendmail_lines(text).refused, Not(IsEmpty())) << text;
    EXPECT_THAT(sendmail_lines(text).text, IsEmpty()) << text;
  }
  EXPECT_THAT(sendmail_lines("dnl define(`SMART_HOST', `x')dnl\nMAILER(`smtp')\n").refused, IsEmpty());
}

TEST(SendmailMc, AuthoritiesOfTheAdministratorStay) {
  EXPECT_EQ(sendmail_lines("define(`confCACERT', `/etc/own.pem')dnl\nMAILER(`smtp')\n").ca_file, CaFile::kOwn);
  EXPECT_THAT(mtasts_m4(kM4, "inet:127.0.0.1:8461", CaFile::kOwn), Not(HasSubstr("confCACERT")));
}

TEST(MtastsM4, AsksWhereMtastsdListens) {
  EXPECT_EQ(mtasts_m4(kM4, "inet:127.0.0.1:8461", CaFile::kOurs), kM4);
  EXPECT_THAT(mtasts_m4(kM4, "unix:/run/x.sock", CaFile::kOurs),
              HasSubstr("-T<TMPF> local:/run/x.sock', `NO_SAN_TST')"));
  EXPECT_THAT(mtasts_m4(kM4, "unix:/run/x.sock", CaFile::kOurs), Not(HasSubstr("inet:")));
  EXPECT_THAT(mtasts_m4(kM4, "inet:127.0.0.2:99", CaFile::kOurs), HasSubstr("inet:99@127.0.0.2"));
}

TEST(SendmailCf, CommentsAndEmptyLinesDoNotCount) {
  EXPECT_EQ(without_comments("##### built by root\n\nO A=1\n#x\nR$*\t\t$@\n"), "O A=1\nR$*\t\t$@\n");
}

}  // namespace
}  // namespace mtasts::setup
