// Which addresses are special, and what counts as one network.
#include "core/ip_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace mtasts {
namespace {

using testing::HasSubstr;

IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }

TEST(IpAddress, ReadsBothFamiliesAndNothingElse) {
  EXPECT_EQ(address("192.0.2.1").octets(), std::string("\xc0\x00\x02\x01", 4));
  EXPECT_EQ(address("2001:db8::1").text(), "2001:db8::1");
  EXPECT_EQ(IpAddress::from_octets(address("192.0.2.1").octets()), address("192.0.2.1"));
  for (const std::string_view text :
       {"", "192.0.2", "192.0.2.1:25", "127.1", "0x7f.0.0.1", "[::1]", "fe80::1%eth0", "localhost", "192.0.2.1 "})
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  EXPECT_FALSE(IpAddress::parse(std::string_view("192.0.2.1\0", 10)));
  EXPECT_FALSE(IpAddress::from_octets("12345"));
}

// The first and the last of each range, and their neighbours.
TEST(SpecialAddresses, AreThoseThatAreNotOnThePublicInternet) {
  for (const char* text : {"0.0.0.0",
                           "0.255.255.255",
                           "10.0.0.0",
                           "10.255.255.255",
                           "100.64.0.0",
                           "100.127.255.255",
                           "127.0.0.1",
                           "127.255.255.1",
                           "169.254.0.1",
                           "169.254.169.254",
                           "172.16.0.0",
                           "172.31.255.255",
                           "192.0.0.8",
                           "192.168.0.1",
                           "192.168.255.255",
                           "198.18.0.1",
                           "198.19.255.255",
                           "224.0.0.1",
                           "239.255.255.255",
                           "240.0.0.1",
                           "255.255.255.255",
                           "::",
                           "::1",
                           "::7f00:1",
                           "64:ff9b:1::a00:1",
                           "100::1",
                           "2001::1",
                           "5f00::1",
                           "fc00::1",
                           "fdff:ffff::1",
                           "fe80::1",
                           "febf::1",
                           "fec0::1",
                           "ff02::1"})
    EXPECT_TRUE(address(text).is_special()) << text;
  for (const char* text :
       {"1.1.1.1",         "9.255.255.255",   "11.0.0.0",        "100.63.255.255",       "100.128.0.0",
        "126.255.255.255", "128.0.0.1",       "169.253.255.255", "169.255.0.0",          "172.15.255.255",
        "172.32.0.0",      "192.0.1.1",       "192.167.255.255", "192.169.0.0",          "198.17.255.255",
        "198.20.0.0",      "223.255.255.255", "2606:4700::1111", "2001:4860:4860::8888", "2001:200::1",
        "fe00::1"})
    EXPECT_FALSE(address(text).is_special()) << text;
}

TEST(SpecialAddresses, AreNotThoseOfDocumentation) {
  for (const char* text : {"192.0.2.1", "198.51.100.80", "203.0.113.255", "2001:db8::1", "2001:db8:ffff::1", "3fff::1",
                           "::ffff:192.0.2.1", "64:ff9b::198.51.100.1"})
    EXPECT_FALSE(address(text).is_special()) << text;
}

TEST(SpecialAddresses, HideInIpv6Addresses) {
  for (const char* text : {"::ffff:127.0.0.1", "::ffff:10.1.2.3", "::ffff:0:10.1.2.3", "64:ff9b::192.168.1.1",
                           "64:ff9b::169.254.169.254", "2002:0a01:0203::1", "2002:7f00:1::", "2002:c0a8:101::1"})
    EXPECT_TRUE(address(text).is_special()) << text;
  for (const char* text : {"::ffff:1.1.1.1", "64:ff9b::1.1.1.1", "2002:101:101::1"})
    EXPECT_FALSE(address(text).is_special()) << text;
}

TEST(IpNetwork, ContainsWhatBeginsWithItsBits) {
  const auto ten = IpNetwork::parse("10.0.0.0/9").value();
  EXPECT_TRUE(ten.contains(address("10.127.255.255")));
  EXPECT_FALSE(ten.contains(address("10.128.0.0")));
  EXPECT_FALSE(ten.contains(address("a7f::1"))) << "another family";
  EXPECT_TRUE(IpNetwork::parse("fd00::/8")->contains(address("fdff::1")));
  EXPECT_TRUE(IpNetwork::parse("0.0.0.0/0")->contains(address("255.1.2.3")));
  EXPECT_TRUE(IpNetwork::parse("192.0.2.1")->contains(address("192.0.2.1")));
  EXPECT_FALSE(IpNetwork::parse("192.0.2.1")->contains(address("192.0.2.2")));
  EXPECT_EQ(IpNetwork::around(address("2001:db8:1:2::3"), 48).text(), "2001:db8:1::/48");
}

TEST(IpNetwork, SaysWhatIsWrong) {
  const auto why = [](std::string_view text) { return IpNetwork::parse(text).error().detail; };
  EXPECT_THAT(why("intranet"), HasSubstr("does not begin with an IP address"));
  EXPECT_THAT(why("10.0.0.0/33"), HasSubstr("0 to 32"));
  EXPECT_THAT(why("fd00::/129"), HasSubstr("0 to 128"));
  EXPECT_THAT(why("10.0.0.0/"), HasSubstr("0 to 32"));
  EXPECT_THAT(why("10.0.0.0/-1"), HasSubstr("0 to 32"));
  EXPECT_THAT(why("10.0.0.0/8 "), HasSubstr("0 to 32"));
  EXPECT_THAT(why("10.0.0.1/8"), HasSubstr("bits set behind the prefix"));
}

}  // namespace
}  // namespace mtasts
