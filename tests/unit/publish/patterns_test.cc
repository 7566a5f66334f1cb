// A change of MX hosts: the old ones stay as long as a sender may hold a policy without the new ones.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/publish/situations.h"

namespace mtasts::publish {
namespace {

using std::chrono::days;
using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> patterns(const DomainPlan& plan) { return parse_policy(plan.next->body)->mx; }

check::Report serving(const std::string& body, const DomainState& state, const std::vector<std::string>& live) {
  Seen seen;
  seen.body = body;
  seen.txt = {"v=STSv1; id=" + state.id + ";"};
  seen.mx = live;
  return report_of(state.name, seen);
}

// What was planned is done and served.
Situation done(Situation situation, const DomainPlan& plan, const std::vector<std::string>& live) {
  situation.state = plan.next;
  situation.file = plan.next->body;
  situation.seen = serving(plan.next->body, *plan.next, live);
  return situation;
}

// The next run, `later`; `live` is what DNS has then. The run before looked at what it had done.
Situation later(Situation situation, const DomainPlan& plan, std::chrono::seconds time,
                const std::vector<std::string>& live) {
  situation = done(situation, plan, live);
  const auto again = plan_domain(situation);
  situation = done(situation, again, live);
  situation.now += time;
  return situation;
}

// The state was saved and nothing else done; this is `time` later.
Situation unfinished(const Situation& before, std::chrono::seconds time) {
  auto situation = before;
  situation.state = plan_domain(before).next;
  situation.now += time;
  return situation;
}

Situation changed(Stage stage = Stage::kEnforce) {
  auto situation = published(stage, days(100));
  situation.listed->mx = {"new.example.com"};
  return situation;
}

TEST(PublishMxChange, OldAndNewArePublishedAndBothTimesAreTold) {
  const auto plan = plan_domain(changed());
  EXPECT_THAT(patterns(plan), ElementsAre("new.example.com", "mx1.example.com"));
  EXPECT_THAT(plan.notes, Contains(HasSubstr("keep until 2026-03-31T00:00:00Z: MX hosts mx1.example.com")));
  EXPECT_THAT(plan.notes, Contains(HasSubstr("then drop mx1.example.com from DNS; from 2026-03-31T00:00:00Z")));
  EXPECT_EQ(plan.waits_until, kNow + days(30));
}

TEST(PublishMxChange, TheOldOneIsDroppedWhenMailHasMovedAndTheTimeIsOver) {
  const auto situation = changed();
  const auto first = plan_domain(situation);
  auto plan = plan_domain(later(situation, first, days(30) - seconds(1), {"new.example.com"}));
  EXPECT_THAT(patterns(plan), Contains("mx1.example.com")) << "senders may hold the old policy";
  EXPECT_THAT(plan.actions, IsEmpty());
  plan = plan_domain(later(situation, first, days(30), {"mx1.example.com", "new.example.com"}));
  EXPECT_THAT(patterns(plan), Contains("mx1.example.com")) << "it is in DNS";
  EXPECT_THAT(plan.notes, Contains(HasSubstr("then drop mx1.example.com")));
  plan = plan_domain(later(situation, first, days(30), {"new.example.com"}));
  EXPECT_THAT(patterns(plan), ElementsAre("new.example.com"));
  EXPECT_FALSE(plan.next->keep_until);
  EXPECT_THAT(plan.next->retired, IsEmpty());
  EXPECT_THAT(plan_domain(later(situation, plan, days(31), {"new.example.com"})).actions, IsEmpty());
}

TEST(PublishMxChange, AnotherChangeStartsTheTimeAnew) {
  auto situation = changed();
  const auto first = plan_domain(situation);
  situation.listed->mx = {"newest.example.com"};
  const auto second = plan_domain(later(situation, first, days(10), {"mx1.example.com"}));
  EXPECT_THAT(patterns(second), ElementsAre("newest.example.com", "new.example.com", "mx1.example.com"));
  EXPECT_EQ(second.next->keep_until, kNow + days(40));
}

TEST(PublishMxChange, TheTimeStartsAnewWhileTheFileIsNotWritten) {
  const auto before = changed();
  auto situation = unfinished(before, days(10));
  situation.seen = serving(situation.state->body, *situation.state, {"mx1.example.com"});
  const auto plan = plan_domain(situation);
  EXPECT_EQ(plan.next->keep_until, kNow + days(40));
  EXPECT_EQ(plan.waits_until, kNow + days(40));
  EXPECT_TRUE(plan.is_file_written);
  situation.file.reset();
  EXPECT_EQ(plan_domain(situation).next->keep_until, kNow + days(40)) << "nobody knows since when it is missing";
}

TEST(PublishMxChange, TheTimeStartsAnewWhereTheFileIsNoLongerTheOneThatWasServed) {
  const auto before = changed();
  auto situation = later(before, plan_domain(before), days(10), {"mx1.example.com"});
  ASSERT_FALSE(situation.state->is_other_served);
  situation.file = policy_file(Mode::kEnforce, days(30), {"mx1.example.com"});  // from a backup
  const auto plan = plan_domain(situation);
  EXPECT_EQ(plan.next->keep_until, kNow + days(40));
  EXPECT_TRUE(plan.is_file_written);
  situation.file.reset();
  EXPECT_EQ(plan_domain(situation).next->keep_until, kNow + days(40)) << "nobody knows since when it is missing";
}

TEST(PublishMxChange, TheTimeStartsAnewWhileOtherHostsAreServed) {
  const auto before = changed();
  auto situation = unfinished(before, days(10));
  situation.file = situation.state->body;
  auto plan = plan_domain(situation);
  EXPECT_EQ(plan.next->keep_until, kNow + days(40));
  // The web server gets the file some time before the next run.
  situation = done(situation, plan, {"mx1.example.com"});
  situation.now += days(29);
  plan = plan_domain(situation);
  EXPECT_EQ(plan.next->keep_until, kNow + days(69));
  situation = done(situation, plan, {"mx1.example.com"});
  situation.now += days(1);
  EXPECT_EQ(plan_domain(situation).next->keep_until, kNow + days(69)) << "it was seen served";
}

TEST(PublishMxChange, TheTimeStartsAnewWhileAnAliasServesOtherHosts) {
  auto before = changed();
  before.listed->aliases = {domain("example.net")};
  auto situation = later(before, plan_domain(before), days(10), {"mx1.example.com"});
  const auto serve = [&](const std::string& body) {
    Seen seen;
    seen.body = body;
    situation.aliases = {{domain("example.net"), report_of(domain("example.net"), seen)}};
  };
  serve(situation.state->body);
  EXPECT_EQ(plan_domain(situation).next->keep_until, kNow + days(30));
  serve(before.state->body);
  EXPECT_EQ(plan_domain(situation).next->keep_until, kNow + days(40));
}

// One of two web servers, say, may still serve the old file.
TEST(PublishMxChange, TheTimeStartsAnewWhileAnAddressCannotBeReached) {
  const auto before = changed();
  auto situation = later(before, plan_domain(before), days(10), {"mx1.example.com"});
  check::PolicyAddressFact unreached;
  unreached.address = "192.0.2.2";
  unreached.error = "timed out";
  (*situation.seen)->facts.host.push_back(unreached);
  const auto plan = plan_domain(situation);
  EXPECT_EQ(plan.next->keep_until, kNow + days(40));
  EXPECT_THAT(plan.notes, Contains(HasSubstr("starts anew: 192.0.2.2 cannot be connected to: timed out")));
}

TEST(PublishMxChange, AnotherPolicyForTheSameHostsStartsNothingAnew) {
  const auto before = changed();
  auto situation = later(before, plan_domain(before), days(10), {"mx1.example.com"});
  situation.file = policy_file(Mode::kTesting, days(1), {"mx1.example.com", "new.example.com"});
  situation.seen = serving(*situation.file, *situation.state, {"mx1.example.com"});
  EXPECT_EQ(plan_domain(situation).next->keep_until, kNow + days(30));
  situation.seen = serving("<html>", *situation.state, {"mx1.example.com"});
  EXPECT_EQ(plan_domain(situation).next->keep_until, kNow + days(30)) << "senders take no page for a policy";
}

TEST(PublishMxChange, BackToTestingTheTimeGoesOn) {
  auto situation = changed();
  situation.listed->mx = {"mx1.example.com", "mx2.example.com"};
  const auto first = plan_domain(situation);
  situation = later(situation, first, days(10), {"mx1.example.com"});
  situation.listed->mode = Mode::kTesting;
  const auto plan = plan_domain(situation);
  EXPECT_EQ(plan.next->stage, Stage::kTesting);
  EXPECT_EQ(plan.next->keep_until, kNow + days(30));
  EXPECT_THAT(plan.notes, Contains(HasSubstr("no mail to new MX hosts before 2026-03-31T00:00:00Z")));
}

TEST(PublishMxChange, ANewHostGetsNoMailBeforeSendersKnowIt) {
  auto situation = changed();
  situation.listed->mx = {"mx1.example.com", "mx2.example.com"};
  const auto plan = plan_domain(situation);
  EXPECT_THAT(plan.notes, Contains(HasSubstr("no mail to new MX hosts (mx2.example.com) before 2026-03-31T00:00:00Z")));
  EXPECT_THAT(plan.next->retired, IsEmpty());
  const auto after = plan_domain(later(situation, plan, days(30), {"mx1.example.com", "mx2.example.com"}));
  EXPECT_FALSE(after.next->keep_until);
  EXPECT_FALSE(after.waits_until);
}

TEST(PublishMxChange, AHostThatComesBackIntoTheListIsNotRetired) {
  auto situation = changed();
  const auto first = plan_domain(situation);
  situation.listed->mx = {"new.example.com", "mx1.example.com"};
  const auto plan = plan_domain(later(situation, first, days(1), {"mx1.example.com"}));
  EXPECT_THAT(plan.next->retired, IsEmpty());
  EXPECT_THAT(patterns(plan), ElementsAre("new.example.com", "mx1.example.com"));
}

TEST(PublishMxChange, TheWaitIsTheLongestMaxAgeThatWasServed) {
  EXPECT_EQ(plan_domain(changed(Stage::kTesting)).next->keep_until, kNow + days(1));
  auto situation = changed(Stage::kTesting);
  situation.state->longest = days(20);
  EXPECT_EQ(plan_domain(situation).next->keep_until, kNow + days(20));
}

TEST(PublishMxChange, TheMxHostsOfAnAliasAreNeededToo) {
  auto situation = changed();
  situation.listed->aliases = {domain("example.net")};
  situation = later(situation, plan_domain(situation), days(30), {"new.example.com"});
  Seen seen;
  seen.mx = {"mx1.example.com"};
  situation.aliases = {{domain("example.net"), report_of(domain("example.net"), seen)}};
  EXPECT_THAT(patterns(plan_domain(situation)), Contains("mx1.example.com"));
}

}  // namespace
}  // namespace mtasts::publish
