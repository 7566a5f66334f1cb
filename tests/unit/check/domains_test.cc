#include "adapters/cli/check/domains.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "tests/unit/module/scratch.h"

namespace mtasts::check {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string complaint(const std::string& text) {
  const auto domain = domain_argument(text);
  return domain ? "none: " + domain->text() : domain.error().detail;
}

std::string complaint_of_list(const std::string& text) {
  std::istringstream list(text);
  const auto domains = read_domains(list, "list");
  return domains ? "none" : domains.error().detail;
}

TEST(CheckDomains, R2AreMadeCanonical) {
  EXPECT_EQ(domain_argument("Example.COM.")->text(), "example.com");
  EXPECT_EQ(domain_argument("bücher.example")->text(), "xn--bcher-kva.example");
}

TEST(CheckDomains, WhatIsMeantByAUrlIsSaid) {
  for (const char* url : {"https://example.com", "https://example.com/", "http://me@example.com:80/x?y#z",
                          "example.com/.well-known/mta-sts.txt", "https://mta-sts.example.com/.well-known/mta-sts.txt"})
    EXPECT_THAT(complaint(url), AllOf(HasSubstr("is a URL"), HasSubstr("did you mean example.com?"))) << url;
  EXPECT_THAT(complaint("https:///x"), AllOf(HasSubstr("is a URL"), HasSubstr("name a domain")));
}

TEST(CheckDomains, WhatIsMeantByOtherThingsIsSaid) {
  EXPECT_THAT(complaint("user@Example.com"),
              AllOf(HasSubstr("a mail address"), HasSubstr("did you mean example.com?")));
  for (const char* address : {"192.0.2.1", "[192.0.2.1]", "2001:db8::1", "[IPv6:2001:db8::1]", "IPv6:2001:db8::1"})
    EXPECT_THAT(complaint(address), HasSubstr("is an address")) << address;
  EXPECT_THAT(complaint("example.com:25"), HasSubstr("did you mean example.com?"));
  EXPECT_THAT(complaint("_mta-sts.example.com"), HasSubstr("did you mean example.com?"));
  EXPECT_THAT(complaint("_smtp._tls.example.com"), HasSubstr("did you mean example.com?"));
  EXPECT_THAT(complaint("*.example.com"), HasSubstr("did you mean example.com?"));
  EXPECT_THAT(complaint("localhost"), HasSubstr("no dot"));
  EXPECT_THAT(complaint("a..b"), Not(StartsWith("none")));
  EXPECT_THAT(complaint(""), Not(StartsWith("none")));
}

TEST(CheckDomains, WhatIsWrongIsToldWithoutTheBytesThatCouldHarm) {
  for (const std::string& text :
       std::vector<std::string>{"https://\x1b[31m", "a@\x1b]0;x\x07", "\x9b.example", "a\nb.c"})
    EXPECT_EQ(complaint(text).find_first_of("\x1b\x07\x9b\n"), std::string::npos) << text;
}

TEST(CheckDomains, AListHasOneALine) {
  std::istringstream list("# mine\n\nExample.com\r\n  example.net\t# the other\n\t\nexample.org");
  const auto domains = read_domains(list, "list");
  ASSERT_TRUE(domains) << domains.error().detail;
  ASSERT_EQ(domains->size(), 3U);
  EXPECT_EQ((*domains)[0].text(), "example.com");
  EXPECT_EQ((*domains)[1].text(), "example.net");
  EXPECT_EQ((*domains)[2].text(), "example.org");
}

TEST(CheckDomains, AListThatIsWrongIsNamedWithItsLine) {
  EXPECT_THAT(complaint_of_list("example.com\nhttps://example.net/\n"),
              AllOf(StartsWith("list:2: "), HasSubstr("did you mean example.net?")));
  EXPECT_THAT(complaint_of_list("example.com example.net\n"), StartsWith("list:1: "));
  EXPECT_THAT(complaint_of_list("example.com\n" + std::string(100'000, 'x')),
              StartsWith("list:2: the line is too long"));
  EXPECT_THAT(complaint_of_list(std::string("a\0b.example\n", 12)), StartsWith("list:1: "));
  EXPECT_THAT(complaint_of_list("# none\n"), HasSubstr("names no domain"));
  EXPECT_THAT(complaint_of_list(""), HasSubstr("names no domain"));
}

TEST(CheckDomains, AListThatCannotBeReadSaysWhy) {
  std::istringstream nothing;
  const Scratch scratch;
  EXPECT_THAT(read_domains_file(scratch.path() + "/missing", nothing).error().detail,
              HasSubstr("No such file or directory"));
  EXPECT_THAT(read_domains_file(scratch.path(), nothing).error().detail, HasSubstr("is a folder"));
  std::istringstream input("example.com\n");
  EXPECT_EQ(read_domains_file("-", input)->size(), 1U);
}

}  // namespace
}  // namespace mtasts::check
