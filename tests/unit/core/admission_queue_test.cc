// Who is next where places are few.
#include "core/admission_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace mtasts {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using Ticket = AdmissionQueue::Ticket;

constexpr SteadyTime kLater = SteadyTime{} + seconds{60};

class Admission : public testing::Test {
 protected:
  Ticket join(const std::string& zone, std::vector<AdmissionQueue::Group> groups = {}) {
    return queue_.join({zone, Priority::kFirstContact, std::move(groups)}, kLater);
  }
  Ticket join_other(const std::string& zone) { return queue_.join({zone, Priority::kOther}, kLater); }
  std::vector<Ticket> admit(std::size_t places) {
    std::vector<Ticket> tickets;
    while (const auto ticket = queue_.next(places)) tickets.push_back(*ticket);
    return tickets;
  }
  static AdmissionQueue::Group group(const std::string& name, std::size_t most = 1000) { return {name, most}; }

  AdmissionQueue queue_;
};

TEST_F(Admission, IsFirstComeFirstServedAmongZones) {
  const Ticket a = join("x");
  const Ticket b = join("y");
  const Ticket c = join("z");
  EXPECT_THAT(admit(2), ElementsAre(a, b));
  EXPECT_FALSE(queue_.has_next(2));
  queue_.leave(b);
  EXPECT_TRUE(queue_.has_next(2));
  EXPECT_THAT(admit(2), ElementsAre(c));
}

TEST_F(Admission, OneZoneAloneGetsHalfOfThePlaces) {
  for (int i = 0; i < 10'000; ++i) join("crowd");
  EXPECT_THAT(admit(100), SizeIs(50));
  EXPECT_THAT(admit(101), SizeIs(1)) << "at least one is left over";
}

TEST_F(Admission, OnePlaceCanBeUsed) {
  const Ticket a = join("x");
  const Ticket b = join_other("x");
  EXPECT_THAT(admit(1), ElementsAre(a));
  queue_.leave(a);
  EXPECT_THAT(admit(1), ElementsAre(b));
}

// The attack of M3: a dozen groups with more than they can get.
TEST_F(Admission, ManyZonesWithManyRequestsLeavePlacesToOthers) {
  for (int zone = 0; zone < 12; ++zone)
    for (int i = 0; i < 100; ++i) join("hostile" + std::to_string(zone));
  EXPECT_THAT(admit(100), SizeIs(93)) << "about twelve in thirteen";
  const Ticket honest = join("honest");
  EXPECT_THAT(admit(100), ElementsAre(honest));
}

TEST_F(Admission, AGroupCountsWhateverTheZone) {
  for (int i = 0; i < 110; ++i) join("zone" + std::to_string(i), {group("192.0.2.0/24")});
  EXPECT_THAT(admit(100), SizeIs(50));
  const Ticket elsewhere = join("elsewhere", {group("198.51.100.0/24")});
  EXPECT_THAT(admit(100), ElementsAre(elsewhere));
}

TEST_F(Admission, AGroupMayHaveALimitOfItsOwn) {
  const Ticket a = join("a", {group("address", 1)});
  const Ticket b = join("b", {group("address", 1)});
  EXPECT_THAT(admit(100), ElementsAre(a));
  queue_.leave(a);
  EXPECT_THAT(admit(100), ElementsAre(b));
}

TEST_F(Admission, WhatIsNoFirstContactGetsHalfAndIsFairWithinIt) {
  for (int zone = 0; zone < 300; ++zone)
    for (int i = 0; i < 4; ++i) join_other("zone" + std::to_string(zone % 9));
  EXPECT_THAT(admit(200), SizeIs(90)) << "nine in ten of a hundred";
  const Ticket other = join_other("honest");
  const Ticket first = join("honest");
  EXPECT_THAT(admit(200), ElementsAre(other, first));
  for (int i = 0; i < 1000; ++i) join_other("other" + std::to_string(i));
  EXPECT_THAT(admit(200), SizeIs(9)) << "a hundred in all";
}

TEST_F(Admission, DaneGetsAHalfOfItsOwnAndBothLeaveAQuarterToFirstContacts) {
  const auto join_dane = [this](const std::string& zone) { return queue_.join({zone, Priority::kDane}, kLater); };
  for (int i = 0; i < 300; ++i) join_dane("dane" + std::to_string(i));
  EXPECT_THAT(admit(200), SizeIs(100));
  for (int i = 0; i < 300; ++i) join_other("other" + std::to_string(i));
  EXPECT_THAT(admit(200), SizeIs(50)) << "a hundred and fifty in all";
  for (int i = 0; i < 300; ++i) join("first" + std::to_string(i));
  EXPECT_THAT(admit(200), SizeIs(50));
}

// All places are taken by as many zones, each with more to come: the one who comes last waits for a round, not for all.
TEST_F(Admission, ZonesTakeTurns) {
  std::map<Ticket, int> zones;
  const auto crowd = [&](int zone) { zones[join("zone" + std::to_string(zone))] = zone; };
  for (int zone = 0; zone < 10; ++zone) crowd(zone);
  auto under_way = admit(10);
  ASSERT_THAT(under_way, SizeIs(10));
  for (int i = 0; i < 1000; ++i) crowd(i % 10);
  const Ticket honest = join("honest");
  for (std::size_t round = 0; round < 11; ++round) {
    queue_.leave(under_way.front());
    under_way.erase(under_way.begin());
    for (const Ticket ticket : admit(10)) under_way.push_back(ticket);
    if (std::ranges::find(under_way, honest) != under_way.end()) return;
  }
  ADD_FAILURE() << "it has waited for more than a round";
}

TEST_F(Admission, NobodyStarves) {
  const Ticket first = join("x");
  ASSERT_THAT(admit(1), ElementsAre(first));
  std::map<std::string, int> served;
  Ticket leaving = first;
  std::map<Ticket, std::string> names;
  for (int i = 0; i < 300; ++i) {
    for (const char* zone : {"x", "x", "y", "z"}) names[join(zone)] = zone;
    queue_.leave(leaving);
    leaving = queue_.next(1).value();
    ++served[names[leaving]];
  }
  EXPECT_EQ(served["x"], 100);
  EXPECT_EQ(served["y"], 100);
  EXPECT_EQ(served["z"], 100);
}

TEST_F(Admission, WhatHasExpiredIsSentAway) {
  const auto at = [](int second) { return SteadyTime{} + seconds{second}; };
  const auto join_until = [&](const char* zone, int second) {
    return queue_.join({zone, Priority::kFirstContact}, at(second));
  };
  const Ticket a = join_until("x", 60);
  EXPECT_THAT(admit(1), ElementsAre(a));
  EXPECT_EQ(queue_.next_expiry(), std::nullopt);
  const Ticket b = join_until("x", 62);
  const Ticket c = join_until("y", 61);
  const Ticket d = join_until("x", 63);
  EXPECT_EQ(queue_.next_expiry(), at(61));
  EXPECT_THAT(queue_.expire(at(60)), IsEmpty());
  EXPECT_THAT(queue_.expire(at(62)), ElementsAre(c, b));
  EXPECT_EQ(queue_.next_expiry(), at(63));
  queue_.leave(a);
  EXPECT_THAT(admit(1), ElementsAre(d)) << "not those that have gone";
  queue_.leave(d);
  EXPECT_FALSE(queue_.has_next(1));
  EXPECT_FALSE(queue_.has_waiting());
}

TEST_F(Admission, AllThatWaitCanBeDismissed) {
  const Ticket a = join("x");
  EXPECT_THAT(admit(1), ElementsAre(a));
  const Ticket b = join("y");
  const Ticket c = join("x");
  EXPECT_THAT(queue_.dismiss(), ElementsAre(b, c));
  EXPECT_FALSE(queue_.has_waiting());
  queue_.leave(a);
  EXPECT_THAT(admit(1), IsEmpty());
}

TEST_F(Admission, LeavingTwiceIsLeavingOnce) {
  const Ticket a = join("x");
  const Ticket b = join("x");
  const Ticket c = join("x");
  EXPECT_THAT(admit(2), ElementsAre(a));
  queue_.leave(a);
  queue_.leave(a);
  EXPECT_THAT(admit(2), ElementsAre(b));
  queue_.leave(c);
  EXPECT_THAT(admit(2), IsEmpty()) << "who waits cannot leave";
}

TEST_F(Admission, WhatIsUnderWayCanTurnToOtherGroups) {
  const Ticket a = join("a", {group("first", 1)});
  const Ticket b = join("b", {group("second", 1)});
  EXPECT_THAT(admit(2), ElementsAre(a, b));
  EXPECT_FALSE(queue_.regroup(a, {group("second", 1)}, 2));
  EXPECT_TRUE(queue_.regroup(a, {group("third", 1)}, 2)) << "it has its place, also where none is free";
  const Ticket c = join("c", {group("first", 1)});
  EXPECT_THAT(admit(3), ElementsAre(c)) << "the old group is free";
  EXPECT_TRUE(queue_.regroup(c, {group("first", 1)}, 1)) << "what it has it keeps";
  queue_.leave(a);
  EXPECT_TRUE(queue_.regroup(c, {group("third", 1)}, 3));
}

}  // namespace
}  // namespace mtasts
