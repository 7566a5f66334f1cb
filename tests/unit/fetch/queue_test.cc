// Whose turn it is to fetch.
#include "fetch/queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace mtasts {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using Ticket = FetchQueue::Ticket;

constexpr seconds kWait{60};
constexpr FetchQueue::Time kStart{};

std::vector<Ticket> all_next(FetchQueue& queue) {
  std::vector<Ticket> tickets;
  while (const auto ticket = queue.next()) tickets.push_back(*ticket);
  return tickets;
}

TEST(FetchQueue, IsFirstComeFirstServed) {
  FetchQueue queue({2, 2, kWait});
  const Ticket a = queue.join("x", kStart);
  const Ticket b = queue.join("y", kStart);
  const Ticket c = queue.join("x", kStart);
  EXPECT_THAT(all_next(queue), ElementsAre(a, b));
  EXPECT_FALSE(queue.has_next());
  queue.leave(b);
  EXPECT_TRUE(queue.has_next());
  EXPECT_THAT(all_next(queue), ElementsAre(c));
}

TEST(FetchQueue, OthersPassWhoWaitsForAnAddress) {
  FetchQueue queue({10, 2, kWait});
  const Ticket a = queue.join("slow", kStart);
  const Ticket b = queue.join("slow", kStart);
  const Ticket c = queue.join("slow", kStart);
  const Ticket d = queue.join("other", kStart);
  EXPECT_THAT(all_next(queue), ElementsAre(a, b, d));
  EXPECT_FALSE(queue.has_next());
  queue.leave(d);
  EXPECT_THAT(all_next(queue), IsEmpty());
  queue.leave(a);
  EXPECT_THAT(all_next(queue), ElementsAre(c));
}

TEST(FetchQueue, WhoWaitedForAnAddressGoesBeforeWhoCameLater) {
  FetchQueue queue({2, 1, kWait});
  const Ticket a = queue.join("x", kStart);
  const Ticket b = queue.join("x", kStart);
  const Ticket c = queue.join("y", kStart);
  EXPECT_THAT(all_next(queue), ElementsAre(a, c));
  const Ticket d = queue.join("y", kStart);
  const Ticket e = queue.join("z", kStart);
  queue.leave(a);
  EXPECT_THAT(all_next(queue), ElementsAre(b));
  queue.leave(c);
  EXPECT_THAT(all_next(queue), ElementsAre(d));
  queue.leave(b);
  EXPECT_THAT(all_next(queue), ElementsAre(e));
}

TEST(FetchQueue, ACrowdAtOneAddressLeavesThePlacesToOthers) {
  FetchQueue queue({100, 10, kWait});
  for (int i = 0; i < 100'000; ++i) queue.join("crowd", kStart);
  EXPECT_EQ(all_next(queue).size(), 10U);
  for (int i = 0; i < 200; ++i) queue.join("n" + std::to_string(i), kStart);
  EXPECT_EQ(all_next(queue).size(), 90U);
}

// Every second place goes to a crowd that never ends; whoever waits is served all the same, in the order of coming.
TEST(FetchQueue, NobodyStarves) {
  FetchQueue queue({1, 1, kWait});
  const Ticket under_way = queue.join("x", kStart);
  ASSERT_THAT(all_next(queue), ElementsAre(under_way));
  Ticket leaving = under_way;
  Ticket expected = under_way;
  for (int i = 0; i < 1000; ++i) {
    queue.join(i % 2 == 0 ? "x" : "y", kStart);
    queue.join("y", kStart);
    queue.leave(leaving);
    leaving = queue.next().value();
    EXPECT_EQ(leaving, ++expected);
  }
}

TEST(FetchQueue, WhoHasWaitedTooLongIsSentAway) {
  FetchQueue queue({1, 1, kWait});
  const Ticket a = queue.join("x", kStart);
  EXPECT_THAT(all_next(queue), ElementsAre(a));
  EXPECT_EQ(queue.next_expiry(), std::nullopt);
  const Ticket b = queue.join("x", kStart);
  const Ticket c = queue.join("y", kStart + seconds{1});
  const Ticket d = queue.join("x", kStart + seconds{2});
  EXPECT_EQ(queue.next_expiry(), kStart + kWait);
  EXPECT_THAT(queue.expire(kStart + kWait - seconds{1}), IsEmpty());
  EXPECT_THAT(queue.expire(kStart + kWait + seconds{1}), ElementsAre(b, c));
  EXPECT_EQ(queue.next_expiry(), kStart + kWait + seconds{2});
  queue.leave(a);
  EXPECT_THAT(all_next(queue), ElementsAre(d));  // not those that have gone
  queue.leave(d);
  EXPECT_FALSE(queue.has_next());
}

TEST(FetchQueue, LeavingTwiceIsLeavingOnce) {
  FetchQueue queue({2, 1, kWait});
  const Ticket a = queue.join("x", kStart);
  const Ticket b = queue.join("x", kStart);
  EXPECT_THAT(all_next(queue), ElementsAre(a));
  queue.leave(a);
  queue.leave(a);
  EXPECT_THAT(all_next(queue), ElementsAre(b));
}

TEST(NetworkOf, IsTheIpv4AddressOrTheIpv6Slash64OfTheFirst) {
  EXPECT_EQ(network_of({"192.0.2.1"}), std::string("\xc0\x00\x02\x01", 4));
  EXPECT_NE(network_of({"192.0.2.1"}), network_of({"192.0.2.2"}));
  EXPECT_EQ(network_of({"192.0.2.1", "192.0.2.2"}), network_of({"192.0.2.1"}));
  EXPECT_EQ(network_of({"2001:db8::1"}), network_of({"2001:db8::ffff:ffff:ffff:ffff"}));
  EXPECT_NE(network_of({"2001:db8::1"}), network_of({"2001:db8:0:1::1"}));
  EXPECT_EQ(network_of({"nonsense"}), "");
  EXPECT_EQ(network_of({}), "");
}

// All of IPv4 is below one /64 there; on a network that has IPv6 alone ten fetches would be the limit of everything.
TEST(NetworkOf, SeesTheIpv4AddressInsideAnIpv6One) {
  EXPECT_EQ(network_of({"::ffff:192.0.2.1"}), network_of({"192.0.2.1"}));
  EXPECT_EQ(network_of({"64:ff9b::192.0.2.1"}), network_of({"192.0.2.1"}));
  EXPECT_NE(network_of({"64:ff9b::192.0.2.1"}), network_of({"64:ff9b::192.0.2.2"}));
}

}  // namespace
}  // namespace mtasts
