#include "module/server/admission.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "tests/unit/module/fakes.h"

namespace mtasts::server {
namespace {

using testing::ElementsAre;

std::size_t taken(PeerQuota& quota, const Peer& peer) {
  std::size_t number = 0;
  while (quota.take(peer)) ++number;
  return number;
}

TEST(PeerQuota, OnePeerGetsThreeQuartersAndOthersFindSomeFree) {
  PeerQuota quota(1000);
  EXPECT_EQ(taken(quota, "uid 33"), 750U);
  EXPECT_EQ(taken(quota, "uid 1000"), 188U);
  EXPECT_EQ(taken(quota, "uid 1001"), 47U);
  EXPECT_EQ(quota.held(), 985U);
}

TEST(PeerQuota, WhatIsGivenBackMayBeTakenAgain) {
  PeerQuota quota(4);
  EXPECT_EQ(taken(quota, "a"), 3U);
  quota.give_back("a");
  EXPECT_EQ(taken(quota, "a"), 1U);
  for (int i = 0; i < 3; ++i) quota.give_back("a");
  EXPECT_EQ(quota.held_by("a"), 0U);
}

TEST(PeerQuota, OutlivesACapacityThatHasBecomeSmaller) {
  PeerQuota quota(100);
  taken(quota, "a");
  quota.set_capacity(10);
  EXPECT_FALSE(quota.take("a"));
  EXPECT_FALSE(quota.take("b"));
}

class Admitting : public testing::Test {
 protected:
  using Tickets = std::vector<std::unique_ptr<Admission::Ticket>>;

  bool enter(const Peer& peer, const std::string& name) {
    auto ticket = admission_.enter(peer, [this, name](Admission::Slot slot) {
      began_.push_back(name);
      slots_[name] = std::move(slot);
    });
    if (!ticket) return false;
    tickets_[name] = std::move(ticket);
    return true;
  }
  void end_lookup(const std::string& name) {
    slots_.erase(name);
    loop_.advance(std::chrono::milliseconds(0));
  }

  FakeLoop loop_;
  Admission admission_{loop_, {.waiting = 16, .running = 4}};
  std::vector<std::string> began_;
  std::map<std::string, Admission::Slot> slots_;
  std::map<std::string, std::unique_ptr<Admission::Ticket>> tickets_;
};

TEST_F(Admitting, BeginsAtOnceWhatThereIsRoomForAndTheRestInOrder) {
  for (const char* name : {"1", "2", "3", "4", "5"}) EXPECT_TRUE(enter("a", name));
  EXPECT_THAT(began_, ElementsAre("1", "2", "3"));
  end_lookup("2");
  EXPECT_THAT(began_, ElementsAre("1", "2", "3", "4"));
  end_lookup("1");
  EXPECT_THAT(began_, ElementsAre("1", "2", "3", "4", "5"));
}

TEST_F(Admitting, AFloodOfOnePeerHoldsUpNobodyElse) {
  std::size_t flood = 0;
  while (enter("flood", "flood" + std::to_string(flood))) ++flood;
  EXPECT_EQ(flood, 12U);
  EXPECT_TRUE(enter("mail", "mail"));
  EXPECT_EQ(began_.back(), "mail");
}

TEST_F(Admitting, WhoGoesLeavesItsPlaceToTheNext) {
  for (const char* name : {"1", "2", "3", "4", "5"}) enter("a", name);
  tickets_.erase("4");
  EXPECT_EQ(admission_.waiting_of("a"), 4U);
  end_lookup("1");
  EXPECT_THAT(began_, ElementsAre("1", "2", "3", "5"));
}

TEST_F(Admitting, ALookupWhoseClientHasGoneKeepsItsSlotUntilItEnds) {
  for (const char* name : {"1", "2", "3", "4"}) enter("a", name);
  tickets_.erase("1");
  loop_.advance(std::chrono::milliseconds(0));
  EXPECT_THAT(began_, ElementsAre("1", "2", "3"));
}

TEST_F(Admitting, ATicketThatCountsNoLongerWaitsOn) {
  std::size_t number = 0;
  while (enter("a", std::to_string(number))) ++number;
  tickets_.at("5")->release();
  EXPECT_TRUE(enter("a", "one more"));
  for (const char* name : {"0", "1", "2"}) end_lookup(name);
  EXPECT_EQ(began_.back(), "5");
}

}  // namespace
}  // namespace mtasts::server
