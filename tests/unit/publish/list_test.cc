#include "adapters/cli/publish/list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mtasts::publish {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

std::string error_of(const std::string& text) {
  const auto list = parse_list(text, "domains.toml");
  return list ? "no error" : list.error().detail;
}

const std::string kDomain = "[[domain]]\nname = \"example.com\"\nmx = [\"mx.example.com\"]\n";

TEST(PublishList, EveryKeyIsRead) {
  const auto list = parse_list(R"(
[[domain]]
name    = "Example.COM."
mx      = ["MX1.example.com", "*.mail.example.com"]
mode    = "testing"
max_age = 86400
rua     = "mailto:a@example.com,https://example.com/report"
aliases = ["bücher.example"]
address = ["192.0.2.1", "2001:DB8::1"]
)",
                               "domains.toml");
  ASSERT_TRUE(list) << list.error().detail;
  const ListedDomain& domain = list->at(0);
  EXPECT_EQ(domain.name.text(), "example.com");
  EXPECT_THAT(domain.mx, ElementsAre("mx1.example.com", "*.mail.example.com"));
  EXPECT_EQ(domain.mode, Mode::kTesting);
  EXPECT_EQ(domain.max_age, std::chrono::days(1));
  EXPECT_EQ(domain.rua, "mailto:a@example.com,https://example.com/report");
  EXPECT_EQ(domain.aliases.at(0).text(), "xn--bcher-kva.example");
  EXPECT_EQ(domain.addresses.at(1).text(), "2001:db8::1");
  EXPECT_FALSE(domain.host);
}

TEST(PublishList, DefaultsAreForThoseThatSayNothing) {
  const auto list = parse_list(
      "[defaults]\nrua = \"mailto:a@example.com\"\nmx = \"auto\"\nmode = \"none\"\nmax_age = 100000\nhost = "
      "\"policy.example.com\"\n[[domain]]\nname = \"a.example\"\n[[domain]]\nname = \"b.example\"\nrua = \"\"\n"
      "mode = \"enforce\"\naddress = [\"192.0.2.1\"]\n",
      "domains.toml");
  ASSERT_TRUE(list) << list.error().detail;
  EXPECT_EQ(list->at(0).rua, "mailto:a@example.com");
  EXPECT_EQ(list->at(0).mode, Mode::kNone);
  EXPECT_FALSE(list->at(0).is_mx_auto) << "who leaves needs no MX";
  EXPECT_EQ(list->at(0).host->text(), "policy.example.com");
  EXPECT_EQ(list->at(0).max_age, std::chrono::seconds(100000));
  EXPECT_EQ(list->at(1).rua, "");
  EXPECT_TRUE(list->at(1).is_mx_auto);
  EXPECT_FALSE(list->at(1).host) << "an address takes its place";
}

TEST(PublishList, TheAimIsEnforceForThirtyDays) {
  const auto list = parse_list(kDomain, "domains.toml");
  ASSERT_TRUE(list);
  EXPECT_EQ(list->at(0).mode, Mode::kEnforce);
  EXPECT_EQ(list->at(0).max_age, std::chrono::days(30));
  EXPECT_FALSE(list->at(0).rua);
}

TEST(PublishList, AnErrorNamesFileLineAndKey) {
  EXPECT_THAT(error_of(kDomain + "mode = \"on\"\n"), StartsWith("domains.toml:4: domain.mode must be "));
  EXPECT_THAT(error_of(kDomain + "modus = \"enforce\"\n"),
              AllOf(StartsWith("domains.toml:4: unknown key domain.modus"), HasSubstr("max_age")));
  EXPECT_THAT(error_of(kDomain + "max_age = 86399\n"), StartsWith("domains.toml:4: domain.max_age must be "));
  EXPECT_THAT(error_of(kDomain + "max_age = 31557601\n"), StartsWith("domains.toml:4: domain.max_age must be "));
  EXPECT_THAT(error_of(kDomain + "max_age = \"86400\"\n"), StartsWith("domains.toml:4: domain.max_age must be "));
  EXPECT_THAT(error_of(kDomain + "aliases = \"example.net\"\n"), StartsWith("domains.toml:4: domain.aliases must be "));
  EXPECT_THAT(error_of(kDomain + "address = [\"192.0.2.256\"]\n"),
              StartsWith("domains.toml:4: domain.address must be "));
  EXPECT_THAT(error_of("[[domain]\n"), StartsWith("domains.toml:1: not valid TOML"));
  EXPECT_THAT(error_of("[defaults]\nname = \"a.example\"\n" + kDomain),
              StartsWith("domains.toml:2: unknown key defaults.name"));
  EXPECT_THAT(error_of("domains = 1\n"), StartsWith("domains.toml:1: unknown key domains"));
  EXPECT_THAT(error_of(""), HasSubstr("there is none"));
  EXPECT_THAT(error_of("[[domain]]\nname = \"a.example\"\n"),
              AllOf(StartsWith("domains.toml:1: "), HasSubstr("needs the key mx")));
}

TEST(PublishList, SaysWhatWasMeant) {
  const auto name = [](const std::string& text) {
    return error_of("[[domain]]\nname = \"" + text + "\"\nmx = \"auto\"\n");
  };
  for (const char* text :
       {"https://example.com/", "postmaster@example.com", "mta-sts.example.com", "_mta-sts.example.com"})
    EXPECT_THAT(name(text), HasSubstr("did you mean \"example.com\"?")) << text;
  EXPECT_THAT(name("192.0.2.1"), HasSubstr("must be a domain name"));
  EXPECT_THAT(name("localhost"), HasSubstr("must be a domain name"));
  EXPECT_THAT(error_of(kDomain + "host = \"192.0.2.1\"\n"), HasSubstr("\"address\""));
}

TEST(PublishList, ContradictionsAreErrors) {
  EXPECT_THAT(error_of(kDomain + "host = \"a.example.net\"\naddress = [\"192.0.2.1\"]\n"),
              HasSubstr("contradicts domain.host"));
  EXPECT_THAT(error_of(kDomain + kDomain), AllOf(StartsWith("domains.toml:5: "), HasSubstr("which line 2 has")));
  EXPECT_THAT(error_of(kDomain + "aliases = [\"example.com\"]\n"), HasSubstr("again"));
  EXPECT_THAT(error_of(kDomain + "aliases = [\"example.net\", \"Example.Net\"]\n"), HasSubstr("again"));
  EXPECT_THAT(error_of(kDomain + "host = \"mta-sts.example.com\"\n"), HasSubstr("another name"));
  EXPECT_THAT(error_of("[[domain]]\nname = \"a.example\"\nmx = [\"m.a.example\", \"M.a.example\"]\n"),
              HasSubstr("twice"));
}

TEST(PublishList, ACircleOfCnamesIsAnError) {
  const auto entry = [](const std::string& name, const std::string& more) {
    return "[[domain]]\nname = \"" + name + "\"\nmx = \"auto\"\n" + more + "\n";
  };
  EXPECT_THAT(error_of(entry("a.example", "aliases = [\"b.example\"]\nhost = \"mta-sts.b.example\"")),
              AllOf(StartsWith("domains.toml:2: domain.host leads back to itself"),
                    HasSubstr("mta-sts.a.example -> mta-sts.b.example -> mta-sts.a.example")));
  EXPECT_THAT(
      error_of(entry("c.example", "host = \"mta-sts.a.example\"") + entry("a.example", "host = \"mta-sts.b.example\"") +
               entry("b.example", "host = \"mta-sts.a.example\"")),
      StartsWith("domains.toml:6: domain.host leads back to itself"));
  EXPECT_EQ(error_of(entry("a.example", "host = \"mta-sts.b.example\"") +
                     entry("b.example", "aliases = [\"d.example\"]\naddress = [\"192.0.2.1\"]")),
            "no error");
}

TEST(PublishList, NoValueBecomesMoreThanAValue) {
  const auto mx = [](const std::string& text) {
    return error_of("[[domain]]\nname = \"a.example\"\nmx = [\"" + text + "\"]\n");
  };
  for (const char* text : {"", "*", "*.", "mx", "a.*.example", "mx.example\\nmode: none", "192.0.2.1", "mx example",
                           "under_score.example"})
    EXPECT_THAT(mx(text), HasSubstr("domain.mx must be ")) << text;
  for (const char* text : {"tls@example.com", "mailto:", "mailto:a@b;rua=x", "mailto:a@b,", "mailto:a b@c",
                           "mailto:a@b\\\"", "http://a.example"})
    EXPECT_THAT(error_of(kDomain + "rua = \"" + text + "\"\n"), HasSubstr("domain.rua must be ")) << text;
}

TEST(PublishList, AFileThatCannotBeReadIsNamed) {
  EXPECT_THAT(load_list("/nowhere/domains.toml").error().detail,
              HasSubstr("/nowhere/domains.toml: the list cannot be opened"));
  EXPECT_THAT(load_list("/").error().detail, HasSubstr("not a regular file"));
}

}  // namespace
}  // namespace mtasts::publish
