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

// The next run, `later`; `live` is what DNS has then.
Situation later(Situation situation, const DomainPlan& plan, std::chrono::seconds time,
                const std::vector<std::string>& live) {
  situation.now += time;
  situation.state = plan.next;
  situation.file = plan.next->body;
  Seen seen;
  seen.body = plan.next->body;
  seen.txt = {"v=STSv1; id=" + plan.next->id + ";"};
  seen.mx = live;
  situation.seen = report_of(domain("example.com"), seen);
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
