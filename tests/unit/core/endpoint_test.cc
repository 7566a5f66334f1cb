#include "core/endpoint.h"

#include <gtest/gtest.h>

#include <string>

namespace mtasts {
namespace {

TEST(Port, IsANumberFrom1To65535) {
  EXPECT_EQ(parse_port("1"), 1);
  EXPECT_EQ(parse_port("65535"), 65'535);
  EXPECT_EQ(parse_port("08461"), 8461);
  for (const std::string_view text : {"", "0", "65536", "99999999999999999999", "+1", "-1", " 1", "1 ", "0x1", "smtp"})
    EXPECT_FALSE(parse_port(text)) << text;
  EXPECT_FALSE(parse_port(std::string_view("25\0", 3)));
}

TEST(Endpoint, IsWrittenAsItIsRead) {
  for (const char* text :
       {"127.0.0.1:8461", "192.0.2.1:1", "[::1]:65535", "[2001:db8::1]:25", "[::ffff:192.0.2.1]:53"}) {
    const auto endpoint = Endpoint::parse(text);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(endpoint->text(), text);
  }
  EXPECT_EQ(Endpoint::parse("[0:0::0001]:08461"), Endpoint::parse("[::1]:8461"));
  EXPECT_NE(Endpoint::parse("[::1]:8461"), Endpoint::parse("[::1]:8462"));
}

TEST(Endpoint, NeedsAnAddressInNumbersAndAPort) {
  for (const char* text : {"",
                           ":",
                           "127.0.0.1",
                           "127.0.0.1:",
                           "127.0.0.1:0",
                           "127.0.0.1:1:2",
                           ":25",
                           "localhost:25",
                           "127.1:25",
                           "::1",
                           "::1:25",
                           "[::1]",
                           "[::1]:",
                           "[::1]25",
                           "[::1",
                           "::1]:25",
                           "[]:25",
                           "[127.0.0.1]:25",
                           "[fe80::1%lo]:25",
                           "[[::1]]:25",
                           " 127.0.0.1:25",
                           "127.0.0.1 :25"})
    EXPECT_FALSE(Endpoint::parse(text)) << text;
  EXPECT_FALSE(Endpoint::parse(std::string_view("127.0.0.1\0:25", 13)));
}

TEST(HostAndPort, ColonsWithoutBracketsBelongToTheAddress) {
  const auto bare = split_port("2001:db8::1");
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->host, "2001:db8::1");
  EXPECT_FALSE(bare->port);
  const auto named = split_port("mail.example:smtp");
  ASSERT_TRUE(named);
  EXPECT_EQ(named->host, "mail.example");
  EXPECT_EQ(named->port, "smtp");
  const auto bracketed = split_port("[mail.example]");
  ASSERT_TRUE(bracketed);
  EXPECT_EQ(bracketed->host, "mail.example");
  EXPECT_TRUE(bracketed->in_brackets);
}

}  // namespace
}  // namespace mtasts
