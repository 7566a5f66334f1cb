// Crowds of slow policy hosts and MX hosts, and everybody else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "fetch/fetcher.h"
#include "tests/unit/fetch/fetching.h"
#include "tests/unit/fetch/probing.h"
#include "tests/unit/fetch/silent_listener.h"

namespace mtasts {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using test::SilentListener;
using testing::HasSubstr;

constexpr char kNginx[] = "127.0.0.1";
constexpr char kSilent[] = "127.0.0.4";
constexpr char kClosed[] = "127.0.0.9";

// The test program of the other TLS library runs at the same time, with the same ports: its hosts are elsewhere.
std::string own_address(int second, int third, int last) {
  const int first = fetcher_tls_library() == std::string_view("openssl") ? 0 : 100;
  return "127." + std::to_string(first + second) + '.' + std::to_string(third) + '.' + std::to_string(last);
}

Domain hostile(int number) { return Domain::parse("hostile" + std::to_string(number) + ".test").value(); }

TEST(FetcherFairness, ManySilentHostsOfOneZoneDoNotKeepOthersWaiting) {
  auto config = test::lab_fetcher();
  config.timeout = seconds{1};
  config.max_in_flight = 4;
  test::Fetching fetching(config);
  constexpr int kCrowd = 50;
  std::map<std::string, int> faults;
  int ended = 0;
  int waiting_was_our_fault = 0;
  for (int i = 0; i < kCrowd; ++i)
    fetching.fetcher().fetch(Domain::parse("silent.test").value(), {kSilent}, Priority::kFirstContact,
                             [&](auto result) {
                               ++faults[result ? "" : result.error().detail];
                               waiting_was_our_fault += !result && result.error().code == ErrorCode::kNotTried ? 1 : 0;
                               if (++ended == kCrowd) fetching.loop().stop();
                             });
  const auto begin = steady_clock::now();
  EXPECT_TRUE(fetching.fetch("good.test", {kNginx}));
  EXPECT_LT(steady_clock::now() - begin, milliseconds{900});
  EXPECT_EQ(ended, 0);
  fetching.loop().run();
  EXPECT_LT(steady_clock::now() - begin, milliseconds{2500});  // not seventeen times the time limit
  EXPECT_EQ(faults["mta-sts.silent.test (127.0.0.4): no TLS session within 1 s"], 2);
  EXPECT_EQ(faults["mta-sts.silent.test: too many fetches are under way, waited 1 s"], kCrowd - 2);
  EXPECT_EQ(waiting_was_our_fault, kCrowd - 2);
}

// M3: a hundred and ten silent policy hosts, each in a zone of its own, at a dozen addresses.
TEST(FetcherFairness, ManySilentHostsOfManyZonesAtADozenAddressesLeavePlaces) {
  const auto config = test::lab_fetcher();
  std::list<SilentListener> listeners;
  for (int i = 1; i <= 12; ++i) listeners.emplace_back(own_address(1, i, 1), config.port);
  test::Fetching fetching(config);
  int ended = 0;
  for (int i = 0; i < 110; ++i)
    fetching.fetcher().fetch(hostile(i), {own_address(1, 1 + i % 12, 1)}, Priority::kFirstContact,
                             [&](const auto&) { ++ended; });
  const auto begin = steady_clock::now();
  const auto good = fetching.fetch("good.test", {kNginx});
  EXPECT_TRUE(good) << good.error().detail;
  EXPECT_LT(steady_clock::now() - begin, seconds{2});
  EXPECT_EQ(ended, 0);
}

TEST(FetcherFairness, OneNetworkGetsHalfOfThePlaces) {
  auto config = test::lab_fetcher();
  config.max_in_flight = 20;
  std::list<SilentListener> listeners;
  for (int i = 1; i <= 20; ++i) listeners.emplace_back(own_address(2, 0, i), config.port);
  test::Fetching fetching(config);
  for (int i = 0; i < 40; ++i)
    fetching.fetcher().fetch(hostile(i), {own_address(2, 0, 1 + i % 20)}, Priority::kFirstContact, [](const auto&) {});
  EXPECT_TRUE(fetching.fetch("good.test", {kNginx}));
  int connections = 0;
  for (auto& listener : listeners) connections += listener.take_connections();
  EXPECT_EQ(connections, 10);
}

// Whoever lists a dead address first must not get round the limit.
TEST(FetcherFairness, EveryAddressCountsThatIsConnectedTo) {
  auto config = test::lab_fetcher();
  config.timeout = seconds{2};
  config.max_per_address = 3;
  SilentListener victim(own_address(3, 0, 1), config.port);
  test::Fetching fetching(config);
  std::map<ErrorCode, int> faults;
  int ended = 0;
  constexpr int kCrowd = 20;
  std::string detail;
  for (int i = 0; i < kCrowd; ++i)
    fetching.fetcher().fetch(hostile(i), {own_address(3, 1 + i, 9), own_address(3, 0, 1)}, Priority::kFirstContact,
                             [&](const auto& result) {
                               ++faults[result.error().code];
                               if (result.error().code == ErrorCode::kNotTried) detail = result.error().detail;
                               if (++ended == kCrowd) fetching.loop().stop();
                             });
  fetching.loop().run();
  EXPECT_EQ(victim.take_connections(), 3);
  EXPECT_EQ(faults[ErrorCode::kPolicyFetch], 3);
  EXPECT_EQ(faults[ErrorCode::kNotTried], kCrowd - 3) << "nothing was found out about the others";
  EXPECT_THAT(detail, HasSubstr("too many fetches are under way at and around " + own_address(3, 0, 1)));
}

// Nor may who lists somebody else's address keep others from that one.
TEST(FetcherFairness, AnAddressThatIsOnlyListedDoesNotCount) {
  auto config = test::lab_fetcher();
  config.max_per_address = 1;
  const SilentListener own(own_address(4, 0, 1), config.port);
  test::Fetching fetching(config);
  fetching.fetcher().fetch(hostile(1), {own_address(4, 0, 1), kNginx}, Priority::kFirstContact, [](const auto&) {});
  const auto begin = steady_clock::now();
  EXPECT_TRUE(fetching.fetch("good.test", {kNginx}));
  EXPECT_LT(steady_clock::now() - begin, seconds{2});
}

TEST(FetcherFairness, WhatIsNoFirstContactGetsHalf) {
  auto config = test::lab_fetcher();
  config.max_in_flight = 4;
  test::Fetching fetching(config);
  std::list<SilentListener> listeners;
  for (int i = 1; i <= 8; ++i) {
    const std::string address = own_address(5, i, 1);
    listeners.emplace_back(address, config.port);
    fetching.fetcher().fetch(hostile(i), {address}, Priority::kOther, [](const auto&) {});
  }
  const auto begin = steady_clock::now();
  EXPECT_TRUE(fetching.fetch("good.test", {kNginx}));
  EXPECT_LT(steady_clock::now() - begin, seconds{2});
}

// A host that does not even greet in TLS holds its place no longer than a connection may take.
TEST(Fetcher, ConnectsWithinATimeOfItsOwn) {
  auto config = test::lab_fetcher();
  config.connect_timeout = seconds{1};
  test::Fetching fetching(config);
  const auto begin = steady_clock::now();
  const auto result = fetching.fetch("silent.test", {kSilent});
  EXPECT_LT(steady_clock::now() - begin, seconds{3});
  EXPECT_EQ(result.error(),
            (Error{ErrorCode::kPolicyFetch, "mta-sts.silent.test (127.0.0.4): no TLS session within 1 s"}));
  EXPECT_TRUE(fetching.fetch("good.test", {kClosed, kNginx}));
}

// A host may list any number of dead addresses.
TEST(ProberFairness, AllAddressesOfAHostShareOneTimeToConnect) {
  auto config = test::lab_prober();
  config.connect_timeout = seconds{1};
  const std::string address = own_address(7, 0, 1);
  const test::DeadHost dead(address, config.port);
  test::Probing probing(config);
  const auto begin = steady_clock::now();
  const auto result = probing.probe("mx.good.test", std::vector<std::string>(8, address));
  const auto took = steady_clock::now() - begin;
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), (Error{ErrorCode::kUnreachable, "mx.good.test (" + address + "): no connection in time"}));
  EXPECT_GE(took, milliseconds{900});
  EXPECT_LT(took, milliseconds{1900}) << "each has its share of what is left";
}

TEST(ProberFairness, ADeadAddressLeavesTimeForTheNext) {
  auto config = test::lab_prober();
  config.connect_timeout = seconds{2};
  const test::DeadHost dead(own_address(8, 0, 1), config.port);
  const auto begin = steady_clock::now();
  EXPECT_TRUE(test::Probing(config).probe("mx.good.test", {own_address(8, 0, 1), test::mx_address("good")}));
  EXPECT_GE(steady_clock::now() - begin, milliseconds{900}) << "the first was not dead";
}

TEST(ProberFairness, EveryAddressCountsThatIsConnectedTo) {
  auto config = test::lab_prober();
  config.timeout = seconds{2};
  config.max_per_address = 3;
  SilentListener victim(own_address(3, 0, 2), config.port);
  test::Probing probing(config);
  std::map<ErrorCode, int> faults;
  int ended = 0;
  constexpr int kCrowd = 20;
  for (int i = 0; i < kCrowd; ++i)
    probing.begin(hostile(i).text(), {own_address(3, 1 + i, 9), own_address(3, 0, 2)}, [&](const auto& result) {
      ++faults[result.error().code];
      if (++ended == kCrowd) probing.loop().stop();
    });
  probing.loop().run();
  EXPECT_EQ(victim.take_connections(), 3);
  EXPECT_EQ(faults[ErrorCode::kUnreachable], 3);
  EXPECT_EQ(faults[ErrorCode::kNotTried], kCrowd - 3) << "nothing was found out about the others";
}

TEST(ProberFairness, ManySilentHostsOfManyZonesAtAFewAddressesLeavePlaces) {
  const auto config = test::lab_prober();
  std::list<SilentListener> listeners;
  for (int i = 1; i <= 6; ++i) listeners.emplace_back(own_address(6, i, 1), config.port);
  test::Probing probing(config);
  for (int i = 0; i < 110; ++i) probing.begin(hostile(i).text(), {own_address(6, 1 + i % 6, 1)}, [](const auto&) {});
  const auto begin = steady_clock::now();
  EXPECT_TRUE(probing.probe("mx.good.test", {test::mx_address("good")}));
  EXPECT_LT(steady_clock::now() - begin, seconds{2});
}

}  // namespace
}  // namespace mtasts
