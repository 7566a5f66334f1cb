#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/publish/situations.h"

namespace mtasts::publish {
namespace {

using std::chrono::days;
using std::chrono::seconds;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

DomainPlan leave(Situation situation, bool force = false) {
  situation.request.kind = Request::Kind::kLeave;
  situation.request.force = force;
  return plan_domain(situation);
}

// Mode none, served for `time`, after a policy with max_age 30 days.
Situation leaving(std::chrono::seconds time) {
  auto situation = published(Stage::kNone, time);
  situation.state->longest = days(30);
  return situation;
}

TEST(PublishLeave, R35ServesNoneForADayWithANewId) {
  const auto situation = published(Stage::kEnforce, days(100));
  const auto plan = leave(situation);
  EXPECT_EQ(plan.next->body, "version: STSv1\r\nmode: none\r\nmax_age: 86400\r\n");
  EXPECT_EQ(plan.next->stage, Stage::kNone);
  EXPECT_NE(plan.next->id, situation.state->id);
  EXPECT_EQ(plan.waits_until, kNow + days(30));
  EXPECT_FALSE(plan.zones->at(0).names.at(0).is_changed());
}

TEST(PublishLeave, R35NothingIsRemovedBeforeTheLongestMaxAgeIsOver) {
  const auto plan = leave(leaving(days(30) - seconds(1)));
  EXPECT_THAT(plan.refused, AllOf(HasSubstr("2026-03-01T00:00:01Z"), HasSubstr("--force")));
  EXPECT_FALSE(plan.next->is_record_withdrawn);
  EXPECT_THAT(plan.actions, IsEmpty());
}

TEST(PublishLeave, ThenTheRecordGoesFirst) {
  const auto plan = leave(leaving(days(30)));
  EXPECT_EQ(plan.refused, "");
  EXPECT_EQ(plan.next->stage, Stage::kNone);
  const std::string script = nsupdate_script(plan.zones->at(0));
  EXPECT_THAT(script, AllOf(HasSubstr("update delete _mta-sts.example.com. TXT"), Not(HasSubstr("delete mta-sts."))));
  EXPECT_FALSE(plan.is_file_removed);
}

TEST(PublishLeave, HostAndFileGoWhenTheRecordIsSeenGone) {
  auto situation = leaving(days(31));
  situation.state->is_record_withdrawn = true;
  EXPECT_EQ(leave(situation).next->stage, Stage::kNone) << "the record is still there";
  (*situation.seen)->facts.record = found({});
  (*situation.seen)->facts.record_servers = {{"ns2", "192.0.2.54", found({"v=STSv1; id=1;"})}};
  EXPECT_EQ(leave(situation).next->stage, Stage::kNone) << "one server has it";
  (*situation.seen)->facts.record_servers.clear();
  const auto plan = leave(situation);
  EXPECT_EQ(plan.next->stage, Stage::kGone);
  EXPECT_TRUE(plan.is_file_removed);
  EXPECT_THAT(nsupdate_script(plan.zones->at(0)), HasSubstr("update delete mta-sts.example.com. A 192.0.2.1"));
}

TEST(PublishLeave, HostAndFileStayWhileAnAliasHasItsRecord) {
  auto situation = leaving(days(31));
  situation.state->is_record_withdrawn = true;
  (*situation.seen)->facts.record = found({});
  situation.listed->aliases = {domain("example.net")};
  Seen seen;
  seen.txt = {"v=STSv1; id=1;"};
  situation.aliases = {{domain("example.net"), report_of(domain("example.net"), seen)}};
  EXPECT_EQ(leave(situation).next->stage, Stage::kNone);
  seen.txt.clear();
  situation.aliases = {{domain("example.net"), report_of(domain("example.net"), seen)}};
  EXPECT_EQ(leave(situation).next->stage, Stage::kGone);
}

TEST(PublishLeave, ForceRemovesTheRecordEarlyAndSaysWhatIsRisked) {
  const auto plan = leave(leaving(days(1)), true);
  EXPECT_TRUE(plan.next->is_record_withdrawn);
  EXPECT_THAT(plan.risks, Contains(HasSubstr("go on enforcing it")));
}

TEST(PublishLeave, ModeNoneInTheListIsALeaveThatGoesOnByItself) {
  auto situation = published(Stage::kEnforce, days(100));
  situation.listed->mode = Mode::kNone;
  EXPECT_EQ(plan_domain(situation).next->stage, Stage::kNone);
  situation = leaving(days(2));
  situation.listed->mode = Mode::kNone;
  auto plan = plan_domain(situation);
  EXPECT_EQ(plan.refused, "");
  EXPECT_EQ(plan.waits_until, kNow + days(28));
  situation = leaving(days(30));
  situation.listed->mode = Mode::kNone;
  EXPECT_TRUE(plan_domain(situation).next->is_record_withdrawn);
}

TEST(PublishLeave, WithoutTheWordADomainThatLeavesStaysWhereItIs) {
  const auto situation = leaving(days(100));
  const auto plan = plan_domain(situation);
  EXPECT_EQ(plan.next, situation.state);
  EXPECT_THAT(plan.notes, Contains(HasSubstr("--leave example.com goes on")));
  EXPECT_FALSE(plan.waits_until);
  EXPECT_EQ(plan_domain(leaving(days(2))).waits_until, kNow + days(28));
}

TEST(PublishLeave, TheTimeStartsAnewWhileAnotherPolicyIsServed) {
  auto situation = leaving(days(29));
  (*situation.seen)->facts.host.front().http.body = policy_file(Mode::kEnforce, days(30), {"mx1.example.com"});
  situation.listed->mode = Mode::kNone;
  EXPECT_EQ(plan_domain(situation).waits_until, kNow + days(30));
}

TEST(PublishLeave, TheTimeStartsAnewWhileAnAddressCannotBeReached) {
  auto situation = leaving(days(29));
  (*situation.seen)->facts.host.front().is_connected = false;
  (*situation.seen)->facts.host.front().error = "no route to host";
  situation.listed->mode = Mode::kNone;
  const auto plan = plan_domain(situation);
  EXPECT_EQ(plan.waits_until, kNow + days(30));
  EXPECT_THAT(plan.notes, Contains("the time starts anew: 192.0.2.1 cannot be connected to: no route to host"));
  (*situation.seen)->facts.host.front().not_tried = "this machine has no IPv6";
  EXPECT_EQ(plan_domain(situation).waits_until, kNow + days(1)) << "others are tried";
}

TEST(PublishLeave, PromoteStartsAgainWithTesting) {
  auto situation = leaving(days(3));
  situation.request.kind = Request::Kind::kPromote;
  const auto plan = plan_domain(situation);
  EXPECT_EQ(plan.next->stage, Stage::kTesting);
  EXPECT_THAT(plan.next->body, HasSubstr("mode: testing"));
}

TEST(PublishLeave, ADomainThatWasNeverPublishedHasNothingToLeave) {
  Situation situation;
  situation.listed = listed_domain();
  situation.listed->mode = Mode::kNone;
  situation.now = kNow;
  Seen seen;
  seen.addresses.clear();
  situation.seen = report_of(domain("example.com"), seen);
  const auto plan = plan_domain(situation);
  EXPECT_EQ(plan.next->stage, Stage::kGone);
  EXPECT_THAT(plan.actions, IsEmpty());
}

TEST(PublishLeave, APolicyThatSomebodyElseServedIsWaitedForToo) {
  Situation situation;
  situation.listed = listed_domain();
  situation.now = kNow;
  Seen seen;
  seen.txt = {"v=STSv1; id=1;"};
  seen.body = policy_file(Mode::kTesting, days(90), {"mx1.example.com"});
  situation.seen = report_of(domain("example.com"), seen);
  EXPECT_EQ(leave(situation).waits_until, kNow + days(90));
}

TEST(PublishLeave, WhenItIsGoneNobodyElsesRecordIsTouched) {
  auto situation = leaving(days(31));
  situation.state->stage = Stage::kGone;
  situation.state->body.clear();
  situation.state->id.clear();
  situation.file.reset();
  (*situation.seen)->facts.host_addresses = found({"203.0.113.7"});
  const auto plan = leave(situation);
  EXPECT_THAT(plan.actions, IsEmpty());
}

}  // namespace
}  // namespace mtasts::publish
