#include "core/domain.h"

#include <gtest/gtest.h>

#include "tests/unit/core/builders.h"

namespace mtasts {
namespace {

using test::domain;

std::string label(std::size_t length) { return std::string(length, 'a'); }

// A name of exactly `length` octets in labels of at most 63.
std::string name_of(std::size_t length) {
  std::string name;
  while (length - name.size() > 63) name += label(62) + '.';
  return name + label(length - name.size());
}

struct Good {
  std::string words;
  std::string text;
};

TEST(Domain, R2WritesNamesInOneWay) {
  const Good kGood[] = {
      {"example.com", "example.com"},
      {"EXAMPLE.Com", "example.com"},
      {"example.com.", "example.com"},
      {"a.b", "a.b"},
      {"_dmarc.example.com", "_dmarc.example.com"},
      {"a-b.c-d.example", "a-b.c-d.example"},
      {"r3---sn-x.example.com", "r3---sn-x.example.com"},
      {"1.2.3.4.in-addr.arpa", "1.2.3.4.in-addr.arpa"},
      {"4u.example", "4u.example"},
      {"example.4u", "example.4u"},
      {"b\xc3\xbc"
       "cher.example",
       "xn--bcher-kva.example"},  // ü
      {"B\xc3\x9c"
       "CHER.example",
       "xn--bcher-kva.example"},  // Ü
      {"bu\xcc\x88"
       "cher.example",
       "xn--bcher-kva.example"},                     // u and a combining diaeresis
      {"fa\xc3\x9f.example", "xn--fa-hia.example"},  // ß stays ß: non-transitional
      {"xn--bcher-kva.example", "xn--bcher-kva.example"},
      {"XN--BCHER-KVA.EXAMPLE.", "xn--bcher-kva.example"},
      {"_mx.b\xc3\xbc"
       "cher.example",
       "_mx.xn--bcher-kva.example"},
      {"b\xc3\xbc"
       "cher\xe3\x80\x82"
       "example",
       "xn--bcher-kva.example"},  // ideographic full stop
      // Refused by IDNA2008, mapped by UTS 46: emoji, also with a variation selector, beside labels that are not
      // refused.
      {"\xf0\x9f\x92\xa9.test", "xn--ls8h.test"},
      {"\xe2\x9d\xa4.test", "xn--qei.test"},
      {"\xe2\x9d\xa4\xef\xb8\x8f.test", "xn--qei.test"},
      {"i\xe2\x9d\xa4.B\xc3\x9c"
       "CHER.test",
       "xn--i-7iq.xn--bcher-kva.test"},
      {"stra\xc3\x9f"
       "e.\xf0\x9f\x92\xa9.test",
       "xn--strae-oqa.xn--ls8h.test"},
      {"\xf0\x9f\x92\xa9\xe3\x80\x82test", "xn--ls8h.test"},
      {"\xf0\x9f\x92\xa9\xef\xbc\x8e"
       "a\xef\xbd\xa1test.",
       "xn--ls8h.a.test"},
      {"xn--ls8h.b\xc3\xbc"
       "cher.example",
       "xn--ls8h.xn--bcher-kva.example"},
      {"\xd0\xbf\xd0\xbe\xd1\x87\xd1\x82\xd0\xb0.\xd1\x80\xd1\x84", "xn--80a1acny.xn--p1ai"},
      {label(63) + ".com", label(63) + ".com"},
      {name_of(253), name_of(253)},
      {name_of(253) + '.', name_of(253)},
  };
  for (const Good& good : kGood) {
    const Result<Domain> parsed = Domain::parse(good.words);
    ASSERT_TRUE(parsed) << good.words << ": " << parsed.error().detail;
    EXPECT_EQ(parsed->text(), good.text);
    EXPECT_EQ(Domain::parse(parsed->text()), parsed) << "not stable";
  }
}

const std::string kNotNames[] = {
    "", ".", "..", ".example.com", "example..com", "example.com..", "exa mple.com", " example.com", "example.com ",
    "example.com\n", "exam\tple.com", std::string("example.com\0", 12), std::string("example\0.com", 12),
    std::string("b\xc3\xbc\0.com", 8), "example.com/../../etc", "a/b.example", "../example.com", "a\\b.example",
    "user@example.com", "*.example.com", "example.com;x", "exam\"ple.com", "exam'ple.com", "${run.example}",
    "exa<mple.com", "example.com,example.org", label(64) + ".com", name_of(254), std::string(2000, 'a'), "foo.123",
    "example.0", "xn--ls8h=.example",
    "b\xfc"
    "cher.example",  // Latin-1
    "\xc3.example",  // cut off
    "a\xe2\x80\x8b.b\xff.c",
    "b\xc3\xbc"
    "cher..example",
    "b\xc3\xbc"
    "/cher.example",
    "b\xc3\xbc"
    " cher.example",
    "\xef\xbc\x8f.example",  // a full-width solidus becomes "/"
    // What is refused and has a character of which the variants of IDNA make different names.
    "\xf0\x9f\x92\xa9\xc3\x9f.test", "\xf0\x9f\x92\xa9\xe1\xba\x9e.test", "\xf0\x9f\x92\xa9\xcf\x82.test",
    "\xf0\x9f\x91\xa9\xe2\x80\x8d\xe2\x9d\xa4.test", "\xf0\x9f\x92\xa9\xe2\x80\x8c.test",
    // What would become more labels than there are, or none of a host name's characters.
    "\xe2\x92\x88\xf0\x9f\x92\xa9.test", "a\xe2\x80\xa4\xf0\x9f\x92\xa9.test", "\xf0\x9f\x92\xa9 a.test",
    "\xf0\x9f\x92\xa9/a.test", "\xf0\x9f\x92\xa9..test", "-\xf0\x9f\x92\xa9.test",
    "\xcd\xb8.test",  // not assigned
};

// Names that are in the DNS as they are, whatever IDNA2008 thinks of them, such as those of emoji: mail goes there.
TEST(Domain, R2LeavesAsciiAsItIs) {
  for (const std::string name : {"xn--i-7iq.ws", "xn--ls8h.la", "ab--c.xn--bcher-kva.example", "xn--a.example"}) {
    const auto domain = Domain::parse(name);
    ASSERT_TRUE(domain) << domain.error().detail;
    EXPECT_EQ(domain->text(), name);
  }
}

TEST(Domain, R2RefusesWhatIsNoName) {
  for (const std::string& words : kNotNames) {
    const Result<Domain> parsed = Domain::parse(words);
    ASSERT_FALSE(parsed) << words << " became " << parsed->text();
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidName);
    EXPECT_EQ(parsed.error().detail.find_first_of(std::string_view("\0\n\r\t", 4)), std::string::npos) << words;
  }
}

TEST(Domain, R2RefusesAddressesAndNamesWithoutADot) {
  for (const char* words : {"192.0.2.1", "127.1", "localhost", "example.", "com", "2001:db8::1", "[192.0.2.1]"}) {
    EXPECT_FALSE(Domain::parse(words)) << words;
  }
}

TEST(Domain, R3RecordAndPolicyHostAreNamedAfterIt) {
  EXPECT_EQ(domain().policy_host(), "mta-sts.example.com");
  EXPECT_EQ(domain().record_name(), "_mta-sts.example.com");
}

TEST(Domain, IsWithinItselfAndWhatIsAbove) {
  EXPECT_TRUE(domain("example.com").is_within(domain("example.com")));
  EXPECT_TRUE(domain("a.b.example.com").is_within(domain("example.com")));
  EXPECT_FALSE(domain("example.com").is_within(domain("a.example.com")));
  EXPECT_FALSE(domain("badexample.com").is_within(domain("example.com")));
  EXPECT_FALSE(domain("example.org").is_within(domain("example.com")));
}

// The policy domain of a next hop, "none", or "error".
std::string found(std::string_view next_hop) {
  const Result<std::optional<Domain>> result = policy_domain(next_hop);
  if (!result) return "error";
  return *result ? (*result)->text() : "none";
}

TEST(PolicyDomain, R1ARecipientDomainIsItsOwnPolicyDomain) {
  EXPECT_EQ(found("Sub.Example.com."), "sub.example.com");
  EXPECT_EQ(policy_domain("b\xc3\xbc"
                          "cher.example"),
            domain("xn--bcher-kva.example"));
}

TEST(PolicyDomain, R1ASmarthostIsItsOwnPolicyDomain) {
  for (const char* next_hop : {"[smart.example.net]", "smart.example.net:587", "[smart.example.net]:587",
                               "[SMART.example.net.]:25", "smart.example.net:submission", "smart.example.net:65535"}) {
    EXPECT_EQ(found(next_hop), "smart.example.net") << next_hop;
  }
}

TEST(PolicyDomain, R2AddressesAndNamesWithoutADotHaveNoPolicy) {
  for (const char* next_hop :
       {"[192.0.2.1]", "[IPv6:2001:db8::1]", "[ipv6:::1]", "[2001:db8::1]", "[2001:db8::1]:25", "192.0.2.1",
        "192.0.2.1:25", "[192.0.2.1]:25", "2001:db8::1", "::1", "::ffff:192.0.2.1", "fe80::1%eth0", "localhost",
        "localhost.", "localhost:25", "[localhost]:25", "192.0.2.1.", "127.1"}) {
    EXPECT_EQ(found(next_hop), "none") << next_hop;
  }
}

TEST(PolicyDomain, R2ANameTooLongForARecordHasNoPolicy) {
  EXPECT_EQ(found(name_of(244)), name_of(244));
  EXPECT_EQ(domain(name_of(244)).record_name().size(), 253U);
  EXPECT_EQ(found(name_of(245)), "none");
  EXPECT_EQ(found(name_of(253)), "none");
}

TEST(PolicyDomain, RefusesWhatIsNoNextHop) {
  for (const char* next_hop : {"[",
                               "]",
                               "[]",
                               "[]:25",
                               "[example.com",
                               "example.com]",
                               "[example.com]x",
                               "[example.com]25",
                               "[example.com]:",
                               "example.com:",
                               "example.com:0",
                               "example.com:65536",
                               "example.com:99999999999999999999",
                               "example.com:25:26",
                               "example.com:smtp.example",
                               "example.com:a_b",
                               ":25",
                               "[[example.com]]",
                               "[tag:x]",
                               "example.com:25 ",
                               "foo.123"}) {
    EXPECT_EQ(found(next_hop), "error") << next_hop;
  }
  for (const std::string& words : kNotNames) EXPECT_EQ(found(words), "error") << words;
}

TEST(Domain, WhatIsMeantIsSaidWhereSomethingElseIsWritten) {
  for (const char* words : {"joe@partner.example", "https://partner.example/.well-known/", "http://partner.example:443",
                            "\"a@b\"@partner.example", "*.partner.example", "mailto://joe@partner.example"}) {
    const auto domain = policy_domain(words);
    ASSERT_FALSE(domain) << words;
    EXPECT_EQ(domain.error().code, ErrorCode::kInvalidName);
    EXPECT_NE(domain.error().detail.find("only the domain is meant: "), std::string::npos) << domain.error().detail;
    EXPECT_FALSE(Domain::parse(words)) << words;
  }
  EXPECT_EQ(Domain::parse("joe@\x1b").error().detail,
            "\"joe@\\x1b\" is an e-mail address; only the domain is meant: \\x1b");
  EXPECT_FALSE(policy_domain("@"));
  EXPECT_FALSE(policy_domain("://"));
}

}  // namespace
}  // namespace mtasts
