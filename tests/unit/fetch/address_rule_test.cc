// M11: where strangers' names may lead, as fetches and probes keep to it.
#include "core/address_rule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "fetch/admission.h"
#include "fetch/network_places.h"
#include "tests/unit/fetch/fetching.h"
#include "tests/unit/fetch/probing.h"

namespace mtasts {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kNginx[] = "127.0.0.1";

std::vector<std::string> allowed(const std::vector<std::string>& networks, const std::vector<std::string>& addresses) {
  std::vector<std::string> texts;
  for (const auto& address : AddressRule::make(networks)->sort(addresses).allowed) texts.push_back(address.text());
  return texts;
}

TEST(AddressRule, AllowsPublicAddressesOnly) {
  EXPECT_THAT(
      allowed({}, {"127.0.0.1", "198.51.100.1", "::1", "::ffff:10.0.0.1", "2001:db8::1", "64:ff9b::a00:1", "x"}),
      ElementsAre("198.51.100.1", "2001:db8::1"));
}

TEST(AddressRule, AllowsTheAdministratorsOwn) {
  EXPECT_THAT(allowed({"10.1.0.0/16", "fd00::/8"}, {"10.1.2.3", "10.2.0.0", "fd01::1", "fe80::1", "::ffff:10.1.2.3"}),
              ElementsAre("10.1.2.3", "fd01::1", "::ffff:10.1.2.3"));
  EXPECT_THAT(allowed({"::1"}, {"::1", "127.0.0.1"}), ElementsAre("::1"));
  EXPECT_EQ(AddressRule::make({"intranet"}).error().code, ErrorCode::kConfig);
}

FetcherConfig strict_fetcher() {
  auto config = test::lab_fetcher();
  config.allow_private.clear();
  return config;
}

TEST(Fetcher, ConnectsToNoPrivateAddress) {
  test::Fetching fetching(strict_fetcher());
  for (const char* address : {kNginx, "::1", "0.0.0.0", "::", "::ffff:127.0.0.1", "::7f00:1"}) {
    const auto result = fetching.fetch("good.test", {address});
    ASSERT_FALSE(result) << address;
    EXPECT_EQ(result.error().code, ErrorCode::kPolicyFetch);
    EXPECT_EQ(result.error().detail, "mta-sts.good.test: " + IpAddress::parse(address)->text() +
                                         " is not a public address: refused; if the host is yours, add its network to "
                                         "fetch.allow_private in mtasts.toml");
  }
}

// The port tells nothing: who listens there is not touched.
TEST(Fetcher, UsesTheOtherAddressesWhereOneIsPrivate) {
  auto config = strict_fetcher();
  config.allow_private = {"127.0.0.1"};
  test::Fetching fetching(config);
  EXPECT_TRUE(fetching.fetch("good.test", {"127.0.0.2", "10.0.0.1", kNginx}));
}

TEST(Prober, TakesAHostAtAPrivateAddressForNotTried) {
  auto config = test::lab_prober();
  config.allow_private.clear();
  test::Probing probing(config);
  const auto result = probing.probe("mx.good.test", {test::mx_address("good")});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kNotTried) << "mail to it is judged by the server that sends it";
  EXPECT_THAT(result.error().detail, HasSubstr("fetch.allow_private"));
  config.allow_private = {test::mx_address("good") + "/32"};
  test::Probing allowing(config);
  EXPECT_TRUE(allowing.probe("mx.good.test", {"10.0.0.1", test::mx_address("good")}));
}

std::vector<std::string> names(const std::vector<AdmissionQueue::Group>& groups) {
  std::vector<std::string> names;
  for (const auto& group : groups) names.push_back(group.name);
  return names;
}

TEST(NetworkGroups, AreTheAddressAndWhatIsAroundIt) {
  const auto of = [](const char* address) { return names(network_groups(IpAddress::parse(address).value(), 10)); };
  EXPECT_THAT(of("192.0.2.1"), ElementsAre("192.0.2.1/32", "192.0.2.0/24"));
  EXPECT_THAT(of("2001:db8:1:2:3::4"), ElementsAre("2001:db8:1:2::/64", "2001:db8:1::/48", "2001:db8::/32"));
}

// All of IPv4 is below one /64 there; on a network that has IPv6 alone ten fetches would be the limit of everything.
TEST(NetworkGroups, SeeTheIpv4AddressInsideAnIpv6One) {
  for (const char* address : {"::ffff:192.0.2.1", "64:ff9b::192.0.2.1", "2002:c000:201::1"})
    EXPECT_THAT(names(network_groups(IpAddress::parse(address).value(), 10)),
                ElementsAre("192.0.2.1/32", "192.0.2.0/24"));
}

TEST(NetworkGroups, OfTheFirstOfEachFamily) {
  const auto first = [](const std::vector<std::string>& texts) {
    return names(network_groups(first_of_families(AddressRule::make({})->sort(texts).allowed), 10));
  };
  EXPECT_THAT(first({}), IsEmpty());
  EXPECT_THAT(first({"192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"}),
              ElementsAre("2001:db8::/64", "2001:db8::/48", "2001:db8::/32", "192.0.2.1/32", "192.0.2.0/24"));
  EXPECT_THAT(first({"::ffff:192.0.2.1", "192.0.2.1"}), ElementsAre("192.0.2.1/32", "192.0.2.0/24"));
}

// libcurl connects to one address of each family at the same time (RFC 8305).
TEST(NetworkPlaces, HoldOneAddressOfEachFamily) {
  const auto loop = make_event_loop().value();
  Admission admission(*loop, 20, std::chrono::seconds{1});
  std::vector<Admission::Ticket> tickets;
  const auto begin = [&](Admission::Ticket ticket) {
    tickets.push_back(ticket);
    if (tickets.size() == 2) loop->stop();
  };
  for (const char* zone : {"one.test", "two.test"}) admission.join({zone, Priority::kFirstContact, {}}, begin, [] {});
  loop->run();
  ASSERT_EQ(tickets.size(), 2U);
  NetworkPlaces first(admission, tickets[0], 1);
  NetworkPlaces second(admission, tickets[1], 1);
  const auto at = [](const char* address) { return IpAddress::parse(address).value(); };
  EXPECT_TRUE(first.move_to(at("2001:db8::1")));
  EXPECT_TRUE(first.move_to(at("192.0.2.1")));
  EXPECT_FALSE(second.move_to(at("2001:db8::1"))) << "its first connection may still be under way";
  EXPECT_FALSE(second.move_to(at("192.0.2.1")));
  EXPECT_TRUE(first.move_to(at("2001:db8:1::1")));
  EXPECT_TRUE(second.move_to(at("2001:db8::1"))) << "the first goes on at another address";
  EXPECT_FALSE(second.move_to(at("192.0.2.1")));
}

}  // namespace
}  // namespace mtasts
