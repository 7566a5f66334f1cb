#include "module/io/listen_address.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/un.h>

namespace mtasts {
namespace {

using testing::HasSubstr;

TEST(ListenAddress, UnixIsAPath) {
  const auto address = parse_listen_address("unix:/run/mtasts/socketmap.sock");
  ASSERT_TRUE(address) << address.error().detail;
  EXPECT_TRUE(address->is_unix());
  EXPECT_EQ(address->path(), "/run/mtasts/socketmap.sock");
  EXPECT_STREQ(reinterpret_cast<const sockaddr_un&>(address->address).sun_path, "/run/mtasts/socketmap.sock");
}

TEST(ListenAddress, InetIsAnAddressAndAPort) {
  const auto v4 = parse_listen_address("inet:127.0.0.1:8461");
  ASSERT_TRUE(v4) << v4.error().detail;
  EXPECT_FALSE(v4->is_unix());
  EXPECT_EQ(v4->path(), "");
  const auto& raw = reinterpret_cast<const sockaddr_in&>(v4->address);
  EXPECT_EQ(raw.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
  EXPECT_EQ(raw.sin_port, htons(8461));
  const auto v6 = parse_listen_address("inet:[::1]:65535");
  ASSERT_TRUE(v6) << v6.error().detail;
  EXPECT_EQ(v6->address.ss_family, AF_INET6);
  EXPECT_EQ(v6->text, "inet:[::1]:65535");
}

TEST(ListenAddress, IsTheSameHoweverItIsWritten) {
  EXPECT_EQ(*parse_listen_address("inet:[0:0::0001]:08461"), *parse_listen_address("inet:[::1]:8461"));
  EXPECT_FALSE(*parse_listen_address("inet:[::1]:8461") == *parse_listen_address("inet:127.0.0.1:8461"));
}

TEST(ListenAddress, APathMayBeAsLongAsTheSystemTakes) {
  const std::string path = "/" + std::string(sizeof(sockaddr_un::sun_path) - 2, 'x');
  EXPECT_TRUE(parse_listen_address("unix:" + path));
  const auto longer = parse_listen_address("unix:" + path + "x");
  ASSERT_FALSE(longer);
  EXPECT_THAT(longer.error().detail, HasSubstr("longer than the 107 octets"));
}

struct Refused {
  std::string words;
  const char* why;
};

class RefusedAddress : public testing::TestWithParam<Refused> {};

TEST_P(RefusedAddress, SaysWhatIsAllowed) {
  const auto address = parse_listen_address(GetParam().words);
  ASSERT_FALSE(address);
  EXPECT_EQ(address.error().code, ErrorCode::kConfig);
  EXPECT_THAT(address.error().detail, HasSubstr(GetParam().why));
}

INSTANTIATE_TEST_SUITE_P(
    Table, RefusedAddress,
    testing::Values(Refused{"", "must begin with"}, Refused{"/run/mtasts.sock", "must begin with"},
                    Refused{"127.0.0.1:8461", "must begin with"}, Refused{"local:/run/x", "must begin with"},
                    Refused{"unix:", "whole path"}, Refused{"unix:mta-sts/socket", "whole path"},
                    Refused{"unix:/run/mtasts/", "whole path"}, Refused{std::string("unix:/a\0b", 9), "is no path"},
                    Refused{"inet:", "end with a port"}, Refused{"inet:127.0.0.1", "end with a port"},
                    Refused{"inet:127.0.0.1:", "end with a port"}, Refused{"inet:127.0.0.1:0", "end with a port"},
                    Refused{"inet:127.0.0.1:65536", "end with a port"}, Refused{"inet:127.0.0.1:+1", "end with a port"},
                    Refused{std::string("inet:127.0.0.1\0:1", 17), "address in numbers"},
                    Refused{"inet:[::1]", "end with a port"}, Refused{"inet:localhost:8461", "address in numbers"},
                    Refused{"inet::8461", "address in numbers"}, Refused{"inet:*:8461", "address in numbers"},
                    Refused{"inet:::1:8461", "address in numbers"}, Refused{"inet:[]:8461", "address in numbers"},
                    Refused{"inet:5461@127.0.0.1", "end with a port"}, Refused{"inet:127.1:8461", "address in numbers"},
                    Refused{"inet:[127.0.0.1]:8461", "IPv6 address between"},
                    Refused{"inet:[fe80::1%lo]:8461", "IPv6 address between"}));

}  // namespace
}  // namespace mtasts
