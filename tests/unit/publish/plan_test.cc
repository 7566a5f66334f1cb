#include "adapters/cli/publish/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/timestamp.h"
#include "tests/unit/publish/situations.h"

namespace mtasts::publish {
namespace {

using std::chrono::days;
using std::chrono::seconds;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

check::Finding critical(std::string_view code) {
  return {code, check::Severity::kCritical, "subject", "It is broken.", "Fix it."};
}

DomainPlan promote(Situation situation, bool force = false) {
  situation.request.kind = Request::Kind::kPromote;
  situation.request.force = force;
  return plan_domain(situation);
}

std::string served(const DomainPlan& plan) { return plan.next->body; }

TEST(PublishRollOut, NothingToDoWhileItWaits) {
  for (const Stage stage : {Stage::kTesting, Stage::kEnforceShort, Stage::kEnforce}) {
    const auto situation = published(stage, days(1));
    const auto plan = plan_domain(situation);
    EXPECT_THAT(plan.actions, IsEmpty()) << stage_name(stage);
    EXPECT_EQ(plan.next, situation.state);
  }
}

TEST(PublishRollOut, EnforceComesAfterFourteenDays) {
  auto plan = promote(published(Stage::kTesting, days(14) - seconds(1)));
  EXPECT_THAT(plan.refused, AllOf(HasSubstr("Wait until 2026-03-01T00:00:01Z"), HasSubstr("--force")));
  EXPECT_EQ(plan.next->stage, Stage::kTesting);
  plan = promote(published(Stage::kTesting, days(14)));
  EXPECT_EQ(plan.refused, "");
  EXPECT_EQ(plan.next->stage, Stage::kEnforceShort);
  EXPECT_FALSE(plan.next->seen_since);
  EXPECT_TRUE(plan.is_file_written);
  EXPECT_THAT(served(plan), AllOf(HasSubstr("mode: enforce\r\n"), HasSubstr("max_age: 604800\r\n")));
}

TEST(PublishRollOut, TheAimComesAfterSevenMoreDays) {
  EXPECT_THAT(promote(published(Stage::kEnforceShort, days(7) - seconds(1))).refused, HasSubstr("Wait until"));
  const auto plan = promote(published(Stage::kEnforceShort, days(7)));
  EXPECT_EQ(plan.next->stage, Stage::kEnforce);
  EXPECT_THAT(served(plan), HasSubstr("max_age: 2592000\r\n"));
  EXPECT_THAT(promote(published(Stage::kEnforce, days(100))).notes, Contains(HasSubstr("nothing to promote")));
}

TEST(PublishRollOut, AShortAimIsNotExceeded) {
  auto situation = published(Stage::kTesting, days(14));
  situation.listed->max_age = days(2);
  EXPECT_THAT(served(promote(situation)), HasSubstr("max_age: 172800\r\n"));
}

TEST(PublishRollOut, TheTimeCountsFromTheFirstRunThatSawFileAndRecord) {
  auto situation = published(Stage::kTesting, days(100));
  situation.state->seen_since.reset();
  EXPECT_EQ(plan_domain(situation).next->seen_since, kNow);
  EXPECT_EQ(plan_domain(situation).waits_until, kNow + days(14)) << "known from now on";
  EXPECT_THAT(promote(situation).refused, HasSubstr("Wait until 2026-03-15"));
  (*situation.seen)->facts.record = found({});
  EXPECT_FALSE(plan_domain(situation).next->seen_since);
}

TEST(PublishRollOut, ForceOverridesTimeAndSaysWhatIsRisked) {
  const auto plan = promote(published(Stage::kTesting, days(0)), true);
  EXPECT_EQ(plan.refused, "");
  EXPECT_EQ(plan.next->stage, Stage::kEnforceShort);
  EXPECT_THAT(plan.risks, ElementsAre(HasSubstr("no report had the time")));
}

TEST(PublishRollOut, ForceOverridesNoCriticalFinding) {
  auto situation = published(Stage::kTesting, days(14));
  (*situation.seen)->findings = {critical("host-redirect")};
  const auto plan = promote(situation, true);
  EXPECT_THAT(plan.refused, AllOf(HasSubstr("host-redirect"), HasSubstr("Fix it.")));
  EXPECT_EQ(plan.next->stage, Stage::kTesting);
  EXPECT_FALSE(plan.is_file_written);
}

TEST(PublishRollOut, WhatCouldNotBeLookedAtIsTold) {
  auto situation = published(Stage::kTesting, days(14));
  (*situation.seen)->findings = {{"mx-unreachable", check::Severity::kUnknown, "mx1.example.com", "No SMTP."}};
  const auto plan = promote(situation);
  EXPECT_EQ(plan.refused, "");
  EXPECT_THAT(plan.notes, Contains(HasSubstr("without having been looked at from here: mx-unreachable mx1")));
  EXPECT_THAT(plan_domain(situation).notes, testing::Not(Contains(HasSubstr("looked at"))));
}

TEST(PublishRollOut, WhatEnforceWouldMakeCriticalCountsBefore) {
  auto situation = published(Stage::kTesting, days(14));
  (*situation.seen)->findings = {
      {"mx-certificate-expired", check::Severity::kWarning, "mx1.example.com", "It expired."}};
  EXPECT_THAT(promote(situation, true).refused, HasSubstr("mx-certificate-expired"));
  (*situation.seen)->findings = {{"mx-certificate-expiring", check::Severity::kWarning, "mx1.example.com", "Soon."}};
  EXPECT_EQ(promote(situation, true).refused, "");
  (*situation.seen)->facts.mx.push_back({"forgotten.example.com"});
  EXPECT_THAT(promote(situation, true).refused,
              AllOf(HasSubstr("policy-mx-missing"), HasSubstr("forgotten.example.com")));
  situation.listed->mx.emplace_back("forgotten.example.com");
  EXPECT_EQ(promote(situation, true).refused, "") << "the list has it now";
}

TEST(PublishRollOut, AnAliasWithARecordCounts) {
  auto situation = published(Stage::kTesting, days(14));
  Seen seen;
  seen.findings = {critical("host-certificate-name")};
  situation.listed->aliases = {domain("example.net")};
  situation.aliases = {{domain("example.net"), report_of(domain("example.net"), seen)}};
  EXPECT_EQ(promote(situation).refused, "") << "nobody follows it yet";
  seen.txt = {"v=STSv1; id=1;"};
  situation.aliases = {{domain("example.net"), report_of(domain("example.net"), seen)}};
  EXPECT_THAT(promote(situation).refused, HasSubstr("example.net: host-certificate-name"));
}

TEST(PublishRollOut, WithoutItsRecordNothingIsPromoted) {
  auto situation = published(Stage::kTesting, days(14));
  (*situation.seen)->facts.record = found({});
  EXPECT_THAT(promote(situation, true).refused, HasSubstr("no such record"));
  (*situation.seen)->facts.record = found({"v=STSv1; id=another;"});
  EXPECT_THAT(promote(situation, true).refused, HasSubstr("another record"));
}

TEST(PublishRollOut, EveryNameserverHasToHaveTheRecord) {
  auto situation = published(Stage::kTesting, days(14));
  auto& facts = (*situation.seen)->facts;
  facts.record_servers = {{"ns1", "192.0.2.53", facts.record},
                          {"ns2", "192.0.2.54", {check::DnsFact::Outcome::kFailed}}};
  EXPECT_EQ(promote(situation).refused, "") << "a dead one among several is no difference";
  facts.record_servers.push_back({"ns3", "192.0.2.55", found({"v=STSv1; id=old;"})});
  EXPECT_THAT(promote(situation).refused, HasSubstr("ns3 (192.0.2.55)"));
}

TEST(PublishRollOut, WithoutTheFileAtEveryAddressNothingIsPromoted) {
  auto situation = published(Stage::kTesting, days(14));
  auto other = (*situation.seen)->facts.host.front();
  other.address = "2001:db8::1";
  other.http.body = "another";
  (*situation.seen)->facts.host.push_back(other);
  EXPECT_THAT(promote(situation, true).refused, HasSubstr("2001:db8::1 serves another file"));
}

TEST(PublishRollOut, TestingAsTheAimTakesItsMaxAgeAfterFourteenDays) {
  auto situation = published(Stage::kTesting, days(13));
  situation.listed->mode = Mode::kTesting;
  EXPECT_THAT(promote(situation).refused, HasSubstr("Wait until"));
  situation = published(Stage::kTesting, days(14));
  situation.listed->mode = Mode::kTesting;
  const auto plan = promote(situation);
  EXPECT_EQ(plan.next->stage, Stage::kTesting);
  EXPECT_THAT(served(plan), AllOf(HasSubstr("mode: testing\r\n"), HasSubstr("max_age: 2592000\r\n")));
  situation.state = plan.next;
  EXPECT_THAT(promote(situation).notes, Contains(HasSubstr("nothing to promote")));
}

TEST(PublishRollOut, ALowerAimInTheListCountsAtOnce) {
  auto situation = published(Stage::kEnforce, days(100));
  situation.listed->mode = Mode::kTesting;
  const auto plan = plan_domain(situation);
  EXPECT_EQ(plan.next->stage, Stage::kTesting);
  EXPECT_THAT(served(plan), AllOf(HasSubstr("mode: testing\r\n"), HasSubstr("max_age: 86400\r\n")));
  EXPECT_EQ(plan.next->longest, days(30)) << "senders hold the old one";
}

TEST(PublishPlan, AnotherMaxAgeInTheListGetsANewId) {
  auto situation = published(Stage::kEnforce, days(100));
  situation.listed->max_age = days(60);
  const auto plan = plan_domain(situation);
  EXPECT_NE(plan.next->id, situation.state->id);
  EXPECT_TRUE(plan.next->id.starts_with("20260301000000h"));
  EXPECT_EQ(plan.next->id.size(), 31U);
  EXPECT_TRUE(check::is_id_of(plan.next->id, plan.next->body));
  EXPECT_EQ(plan.next->longest, days(60));
}

TEST(PublishPlan, R34TheRecordFollowsTheFile) {
  auto situation = published(Stage::kEnforce, days(100));
  situation.listed->max_age = days(60);
  auto plan = plan_domain(situation);
  EXPECT_FALSE(plan.zones->at(0).names.at(1).is_changed()) << "the new file is not served yet";
  EXPECT_THAT(zone_lines(plan.zones->at(0)), HasSubstr(situation.state->id)) << "until then the old id stays";
  for (auto& address : (*situation.seen)->facts.host) address.http.body = plan.next->body;
  situation.state = plan.next;
  situation.file = plan.next->body;
  plan = plan_domain(situation);
  EXPECT_THAT(nsupdate_script(plan.zones->at(0)),
              AllOf(HasSubstr("prereq yxrrset _mta-sts.example.com. TXT \"v=STSv1; id="), HasSubstr("update add")));
}

TEST(PublishPlan, TheOrderIsAddressCertificateFileRecord) {
  Situation situation;
  situation.listed = listed_domain();
  situation.now = kNow;
  Seen seen;
  seen.addresses.clear();
  situation.seen = report_of(domain("example.com"), seen);
  auto plan = plan_domain(situation);
  std::vector<std::string> texts;
  for (const auto& action : plan.actions) texts.push_back(action.text);
  EXPECT_THAT(texts,
              ElementsAre(HasSubstr("publish mta-sts.example.com. A 192.0.2.1"), HasSubstr("write the policy file"),
                          HasSubstr("then publish the record at _mta-sts.example.com.")));
  seen.addresses = {"192.0.2.1"};
  seen.has_certificate = false;
  situation.seen = report_of(domain("example.com"), seen);
  plan = plan_domain(situation);
  EXPECT_THAT(plan.actions.at(0).text, HasSubstr("get a certificate for mta-sts.example.com"));
}

TEST(PublishPlan, WithoutAnswersWhatIsThereIsPutRightAndNothingElse) {
  auto situation = published(Stage::kTesting, days(14));
  situation.listed->mx = {"new.example.com"};
  situation.seen = fail(ErrorCode::kLocalFault, "no helper");
  situation.file = "changed";
  const auto plan = promote(situation);
  EXPECT_EQ(plan.unasked, "no helper");
  EXPECT_EQ(plan.next, situation.state);
  EXPECT_TRUE(plan.is_file_written);
  EXPECT_FALSE(plan.zones);
}

TEST(PublishPlan, AnAddressThatThisMachineCannotTryKeepsNothingBack) {
  auto situation = published(Stage::kTesting, days(14));
  check::PolicyAddressFact six;
  six.address = "2001:db8::1";
  six.not_tried = "there is no IPv6 here";
  (*situation.seen)->facts.host.push_back(six);
  auto plan = promote(situation);
  EXPECT_EQ(plan.refused, "");
  EXPECT_EQ(plan.unasked, "");
  EXPECT_THAT(plan.notes, Contains(HasSubstr("2001:db8::1 was not tried from here: there is no IPv6 here")));
  (*situation.seen)->facts.host = {six};
  plan = plan_domain(situation);
  EXPECT_THAT(plan.unasked, HasSubstr("not tried"));
}

TEST(PublishPlan, ALongerMaxAgeThatWasServedIsKept) {
  auto situation = published(Stage::kTesting, days(1));
  situation.file = policy_file(Mode::kTesting, days(40), {"mx1.example.com"});
  EXPECT_EQ(plan_domain(situation).next->longest, days(40));
  situation = published(Stage::kTesting, days(1));
  (*situation.seen)->facts.host.front().http.body = policy_file(Mode::kTesting, days(50), {"mx1.example.com"});
  EXPECT_EQ(plan_domain(situation).next->longest, days(50));
}

TEST(PublishPlan, AdoptsATreeThatEnforces) {
  auto situation = published(Stage::kEnforce, days(1));
  situation.state.reset();
  auto plan = plan_domain(situation);
  EXPECT_THAT(plan.refused, HasSubstr("--adopt"));
  EXPECT_FALSE(plan.next);
  EXPECT_FALSE(plan.is_file_written);
  situation.request.adopt = true;
  plan = plan_domain(situation);
  EXPECT_EQ(plan.next->stage, Stage::kEnforce);
  EXPECT_EQ(plan.next->body, *situation.file);
  EXPECT_THAT(plan.actions, IsEmpty());
  EXPECT_EQ(plan.next->longest, days(30));
}

}  // namespace
}  // namespace mtasts::publish
