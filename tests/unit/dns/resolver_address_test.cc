#include "dns/resolver_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "tests/unit/module/scratch.h"

namespace mtasts {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> servers(std::string_view text) {
  std::vector<std::string> all;
  for (const auto& server : parse_resolv_conf(text).servers) all.push_back(server.text());
  return all;
}

TEST(ResolverAddress, ReadsAddressesWithAndWithoutPort) {
  struct Row {
    const char* text;
    ResolverAddress expected;
  };
  const Row rows[] = {
      {"127.0.0.1", {*IpAddress::parse("127.0.0.1"), "", {}}},
      {"192.0.2.1:5353", {*IpAddress::parse("192.0.2.1"), "", 5353}},
      {"::1", {*IpAddress::parse("::1"), "", {}}},
      {"[::1]", {*IpAddress::parse("::1"), "", {}}},
      {"[::1]:5353", {*IpAddress::parse("::1"), "", 5353}},
      {"2001:db8::1", {*IpAddress::parse("2001:db8::1"), "", {}}},
      {"fe80::1%eth0", {*IpAddress::parse("fe80::1"), "eth0", {}}},
      {"[fe80::1%eth0]:53", {*IpAddress::parse("fe80::1"), "eth0", 53}},
      {"::ffff:192.0.2.1", {*IpAddress::parse("::ffff:192.0.2.1"), "", {}}},
      {"192.0.2.1:65535", {*IpAddress::parse("192.0.2.1"), "", 65535}},
  };
  for (const auto& row : rows) {
    const auto address = parse_resolver_address(row.text);
    ASSERT_TRUE(address) << row.text;
    EXPECT_EQ(*address, row.expected) << row.text;
  }
}

TEST(ResolverAddress, RefusesEverythingElse) {
  using namespace std::string_literals;
  for (const std::string& text : {""s,
                                  "localhost"s,
                                  "resolver.example:53"s,
                                  "127.0.0.1:"s,
                                  "127.0.0.1:0"s,
                                  "127.0.0.1:65536"s,
                                  "127.0.0.1:53x"s,
                                  "127.0.0.1:-1"s,
                                  "127.0.0.1: 53"s,
                                  "127.0.0"s,
                                  "127.0.0.256"s,
                                  "[127.0.0.1]:53"s,
                                  "[::1"s,
                                  "::1]:53"s,
                                  "[::1]53"s,
                                  "[::1]:"s,
                                  "[]:53"s,
                                  "127.0.0.1%eth0"s,
                                  "fe80::1%"s,
                                  "fe80::1%a%b"s,
                                  "fe80::1%far-too-long-for-an-interface"s,
                                  " 127.0.0.1"s,
                                  "127.0.0.1 "s,
                                  "127.0.0.1\0"s,
                                  "https://127.0.0.1"s,
                                  "127.0.0.1@853#name"s}) {
    const auto address = parse_resolver_address(text);
    ASSERT_FALSE(address) << text;
    EXPECT_EQ(address.error().code, ErrorCode::kConfig);
    EXPECT_THAT(address.error().detail, HasSubstr("[2001:db8::1]:5353")) << "says what to write";
  }
}

TEST(ResolverAddress, KnowsLoopback) {
  for (const char* text : {"127.0.0.1", "127.8.9.10", "127.0.0.53:53", "::1", "[::1]:53", "0:0:0:0:0:0:0:1"})
    EXPECT_TRUE(parse_resolver_address(text)->address.is_loopback()) << text;
  for (const char* text : {"128.0.0.1", "192.0.2.127", "::", "::2", "2001:db8::1", "0.0.0.0", "fe80::1"})
    EXPECT_FALSE(parse_resolver_address(text)->address.is_loopback()) << text;
}

TEST(ResolverAddress, KnowsTheLocalHost) {
  for (const char* text : {"127.0.0.1", "127.0.0.1:5353", "::1", "[::1]:53", "0:0:0:0:0:0:0:1"})
    EXPECT_TRUE(parse_resolver_address(text)->is_local_host()) << text;
  for (const char* text : {"127.0.0.11", "127.0.0.53", "127.1.0.1", "::2", "::ffff:127.0.0.1", "192.0.2.1"})
    EXPECT_FALSE(parse_resolver_address(text)->is_local_host()) << text;
}

TEST(ResolverAddress, IsWrittenAsItIsRead) {
  for (const char* text : {"127.0.0.1", "192.0.2.1:5353", "::1", "[::1]:5353", "fe80::1%eth0", "[fe80::1%eth0]:53"})
    EXPECT_EQ(parse_resolver_address(text)->text(), text);
}

TEST(ResolvConf, KnowsWhetherTheAdministratorVouches) {
  for (const char* text :
       {"options trust-ad\n", "nameserver 192.0.2.1\noptions edns0 trust-ad",
        "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\noptions\ttrust-ad # yes\n",
        "options edns0\noptions trust-ad\noptions rotate\n"})
    EXPECT_TRUE(parse_resolv_conf(text).trusts_ad) << text;
  for (const char* text : {"", "nameserver 127.0.0.1\n", "options edns0 # trust-ad\n", "# options trust-ad\n",
                           "options no-trust-ad trust-ad:1\n", "search trust-ad\n"})
    EXPECT_FALSE(parse_resolv_conf(text).trusts_ad) << text;
}

TEST(ResolvConf, TakesTheNameServers) {
  EXPECT_THAT(servers("domain example.com\nnameserver 192.0.2.1\nsearch a b\noptions edns0\nnameserver 2001:db8::1\n"),
              ElementsAre("192.0.2.1", "2001:db8::1"));
}

TEST(ResolvConf, LoopbackOnesComeFirst) {
  EXPECT_THAT(servers("nameserver 192.0.2.1\nnameserver ::1\nnameserver 127.0.0.53\n"),
              ElementsAre("::1", "127.0.0.53", "192.0.2.1"));
}

TEST(ResolvConf, KeepsTheScopeOfALinkLocalServer) {
  EXPECT_THAT(servers("nameserver fe80::1%eth0\n"), ElementsAre("fe80::1%eth0"));
}

TEST(ResolvConf, PassesCommentsOver) {
  EXPECT_THAT(servers("# nameserver 192.0.2.9\n; nameserver 192.0.2.8\nnameserver 192.0.2.1 # the router\n"
                      "nameserver 192.0.2.2;old\n"),
              ElementsAre("192.0.2.1", "192.0.2.2"));
}

TEST(ResolvConf, TakesAnyWhiteSpaceAndLineEnd) {
  EXPECT_THAT(servers("  nameserver\t 192.0.2.1\t\r\n\n\nnameserver 192.0.2.2"), ElementsAre("192.0.2.1", "192.0.2.2"));
}

TEST(ResolvConf, PassesOverWhatItDoesNotUnderstand) {
  EXPECT_THAT(servers("nameserver\nnameserver resolver.example\nnameservers 192.0.2.9\nNAMESERVER 192.0.2.8\n"
                      "nameserver 192.0.2.1:53\nnameserver 192.0.2.2 extra\n"),
              ElementsAre("192.0.2.2"));
}

TEST(ResolvConf, TakesThreeAtMost) {
  EXPECT_THAT(servers("nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 127.0.0.1\n"),
              ElementsAre("192.0.2.1", "192.0.2.2", "192.0.2.3"));
}

TEST(ResolvConf, NoneMeansTheLocalOnes) {
  for (const char* text : {"", "\n", "search example.com\n", "nameserver"})
    EXPECT_THAT(servers(text), ElementsAre("127.0.0.1", "::1")) << text;
}

TEST(ResolvConf, OneThatIsNotThereMeansTheLocalOnes) {
  const auto found = resolvers_of({}, "/nonexistent/resolv.conf");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->servers.size(), 2U);
}

// Mail would go out without its policy because of the mode of a file.
TEST(ResolvConf, OneThatCannotBeReadIsNoEmptyOne) {
  const Scratch scratch;
  const std::string path = scratch.path() + "/resolv.conf";
  std::ofstream(path) << "nameserver 192.0.2.1\n";
  ASSERT_TRUE(resolvers_of({}, path));
  ::chmod(path.c_str(), 0000);
  constexpr uid_t kNobody = 65534;
  const bool is_root = ::geteuid() == 0;
  ASSERT_EQ(::seteuid(is_root ? kNobody : ::geteuid()), 0);
  const auto forbidden = resolvers_of({}, path);
  ASSERT_EQ(::seteuid(is_root ? 0 : ::geteuid()), 0);
  ASSERT_FALSE(forbidden);
  EXPECT_EQ(forbidden.error().code, ErrorCode::kLocalFault);
  EXPECT_THAT(forbidden.error().detail, HasSubstr(path + " cannot be read by uid "));
  for (const std::string& no_file : {scratch.path(), path + "/below"}) {
    const auto found = resolvers_of({}, no_file);
    ASSERT_FALSE(found) << no_file;
    EXPECT_EQ(found.error().code, ErrorCode::kLocalFault);
  }
}

TEST(ResolvConf, IsNotReadWhereResolversAreConfigured) { EXPECT_TRUE(resolvers_of({"127.0.0.1"}, "/etc")); }

}  // namespace
}  // namespace mtasts
