// What a person, a program, a monitoring system and a browser are told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "adapters/cli/check/codes.h"
#include "adapters/cli/check/json.h"
#include "adapters/cli/check/monitoring.h"
#include "adapters/cli/check/page.h"
#include "adapters/cli/check/text.h"
#include "tests/unit/check/facts.h"

namespace mtasts::check {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;
using Json = nlohmann::ordered_json;

Report judged(Facts facts) { return judge(std::move(facts), nullptr, {}); }

Facts bad_facts() {
  Facts facts = good_facts();
  facts.tlsrpt = no_data();
  facts.mx[0].sessions[0].offers_starttls = false;
  facts.mx[0].sessions[0].tls = {};
  return facts;
}

// Every field that a peer fills has bytes that a terminal or a browser would act on.
Facts hostile_facts() {
  const std::string evil = "\x1b[31m\x9b<script>alert(1)</script>\"'&\x7f\xc2\x9b\xff\n\r|";
  Facts facts = good_facts();
  facts.record = found({"v=STSv1; id=1; x=" + evil, "v=STSv1; id=2" + evil});
  facts.record_alias = {AliasFact::Kind::kAlias, {"a" + evil}};
  facts.record_servers = {{"ns" + evil, "1" + evil, found({"v=STSv1; id=3" + evil})}, {"ns2", "2", no_name()}};
  facts.host_alias = {AliasFact::Kind::kAlias, {evil, evil}};
  facts.tlsrpt = found({"v=TLSRPTv1; rua=" + evil});
  facts.host = {policy_address("1" + evil), policy_address("2", body() + "mx: " + evil), policy_address("3"),
                policy_address("4")};
  facts.host[0].tls.version = evil;
  facts.host[0].http.content_type = evil;
  facts.host[2].http.status = 302;
  facts.host[2].http.location = evil;
  facts.host[3].tls.certificate->names = {evil};
  facts.host[3].tls.certificate->is_for_another_name = true;
  facts.mx = {mx("mx" + evil), mx("mx2.example.com"), mx("mx3.example.com")};
  facts.mx[0].alias = {AliasFact::Kind::kAlias, {evil}};
  facts.mx[0].sessions[0].address = evil;
  facts.mx[0].sessions[0].tls.version = evil;
  facts.mx[1].sessions[0].tls.certificate->names = {evil};
  facts.mx[1].sessions[0].tls.certificate->is_for_another_name = true;
  facts.mx[1].sessions.push_back(mx_address("x", evil));
  facts.mx[2].sessions[0].is_reached = false;
  facts.mx[2].sessions[0].address = evil;
  return facts;
}

bool is_harmless(char c) { return (c >= 0x20 && c < 0x7f) || c == '\n'; }

std::string without_section_signs(std::string text) {
  for (auto at = text.find("§"); at != std::string::npos; at = text.find("§")) text.replace(at, 2, "S");
  return text;
}

TEST(CheckText, HasTheSectionsInOrder) {
  const std::string text = to_text(judged(bad_facts()), {});
  std::size_t at = 0;
  for (const char* title : {"\nDNS\n", "\nPOLICY HOST\n", "\nPOLICY\n", "\nMX\n", "\nIMPACT\n", "\nFIX\n"}) {
    at = text.find(title, at);
    ASSERT_NE(at, std::string::npos) << title << text;
  }
  EXPECT_THAT(text, StartsWith("example.com  CRITICAL  1 critical, 1 warning\n"));
  EXPECT_THAT(text, AllOf(HasSubstr("CRITICAL  10 mx.example.com"), HasSubstr("mx-no-starttls: STARTTLS is not"),
                          HasSubstr("\n            _smtp._tls.example.com. IN TXT \"v=TLSRPTv1; rua=mailto:")));
  // What is worst is put right first.
  EXPECT_LT(text.find("mx-no-starttls  mx"), text.find("tlsrpt-absent  _smtp"));
}

TEST(CheckText, ADomainInOrderHasNothingToFix) {
  const std::string text = to_text(judged(good_facts()), {});
  EXPECT_THAT(text, AllOf(StartsWith("example.com  ok  no findings\n"), Not(HasSubstr("FIX"))));
}

TEST(CheckText, FitsTheTerminalButForWhatIsToBeCopied) {
  for (const std::size_t width : {80U, 160U}) {
    std::istringstream lines(to_text(judged(bad_facts()), {false, width}));
    for (std::string line; std::getline(lines, line);)
      if (line.find("IN TXT") == std::string::npos) {
        EXPECT_LE(without_section_signs(line).size(), width) << line;
      }
  }
}

TEST(CheckText, HasColoursOnlyWhereTheyAreWanted) {
  EXPECT_THAT(to_text(judged(bad_facts()), {false, 80}), Not(HasSubstr("\x1b")));
  EXPECT_THAT(to_text(judged(bad_facts()), {true, 80}), HasSubstr("\x1b[1;31mCRITICAL\x1b[0m"));
}

TEST(CheckJson, HasTheKeysOfTheContractInTheirOrder) {
  const Json json = Json::parse(to_json(judged(bad_facts())));
  std::vector<std::string> keys;
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  EXPECT_THAT(keys, ElementsAre("schema", "domain", "status", "exit", "record", "policy", "policy_host", "mx", "tlsrpt",
                                "findings"));
  EXPECT_EQ(json["schema"], 1);
  EXPECT_EQ(json["status"], "critical");
  EXPECT_EQ(json["exit"], 2);
  EXPECT_TRUE(json["record"].is_object() && json["policy"].is_object() && json["tlsrpt"].is_object());
  EXPECT_TRUE(json["policy_host"].is_array() && json["mx"].is_array());
  keys.clear();
  for (const auto& [key, value] : json["findings"][0].items()) keys.push_back(key);
  EXPECT_THAT(keys, ElementsAre("code", "severity", "subject", "message", "fix", "rfc"));
  EXPECT_EQ(json["findings"][1]["code"], "mx-no-starttls");
  EXPECT_EQ(json["findings"][1]["severity"], "critical");
  EXPECT_EQ(json["findings"][1]["rfc"], "RFC 8461 §4");
  EXPECT_EQ(json["policy"]["mode"], "enforce");
  EXPECT_EQ(json["policy_host"][0]["certificate"]["days_left"], 60);
  EXPECT_EQ(json["mx"][0]["verdict"], "refused");
}

TEST(CheckJson, SaysOkAndUnknownAndIsNullWhereThereIsNothing) {
  EXPECT_EQ(Json::parse(to_json(judged(good_facts())))["status"], "ok");
  Facts facts{domain()};
  facts.record = failed();
  const Json json = Json::parse(to_json(judged(facts)));
  EXPECT_EQ(json["status"], "unknown");
  EXPECT_EQ(json["exit"], 3);
  EXPECT_EQ(json["record"]["dns"], "failed");
  EXPECT_TRUE(json["policy"]["mode"].is_null());
}

TEST(CheckMonitoring, IsOneLineWithNumbers) {
  Monitoring one;
  one.add(judged(bad_facts()));
  EXPECT_EQ(one.line(),
            "MTASTS CRITICAL - example.com: mx-no-starttls, tlsrpt-absent | findings=2;;;0 critical=1;;;0 "
            "warning=1;;;0 unknown=0;;;0 certificate_days=60");
  Monitoring two;
  two.add(judged(good_facts()));
  EXPECT_THAT(two.line(), StartsWith("MTASTS OK - example.com: Senders deliver"));
  two.add(judged(bad_facts()));
  EXPECT_THAT(two.line(), StartsWith("MTASTS CRITICAL - 2 domains; example.com critical: mx-no-starttls"));
}

TEST(CheckMonitoring, WithoutACertificateTheDaysAreUnknown) {
  Facts facts{domain()};
  facts.record = failed();
  Monitoring monitoring;
  monitoring.add(judged(facts));
  EXPECT_THAT(monitoring.line(), AllOf(StartsWith("MTASTS UNKNOWN - "), HasSubstr("certificate_days=U")));
}

TEST(CheckOutput, NoByteOfAPeerReachesATerminalAsItIs) {
  const Report report = judged(hostile_facts());
  Monitoring monitoring;
  monitoring.add(report);
  for (const std::string& text : {to_text(report, {}), to_json(report), monitoring.line(), summary_line(report, {})}) {
    const std::string plain = without_section_signs(text);
    EXPECT_TRUE(std::ranges::all_of(plain, is_harmless)) << plain;
  }
  EXPECT_EQ(std::ranges::count(monitoring.line(), '|'), 1);
  EXPECT_EQ(std::ranges::count(to_json(report), '\n'), 0);
}

TEST(CheckOutput, NoMarkupOfAPeerReachesABrowser) {
  Page page;
  page.add(judged(hostile_facts()));
  page.add(judged(good_facts()));
  const std::string html = without_section_signs(page.finish());
  EXPECT_TRUE(std::ranges::all_of(html, is_harmless));
  EXPECT_THAT(html, AllOf(Not(HasSubstr("<script>alert")), HasSubstr("&lt;script&gt;alert"), Not(HasSubstr("\"'&x"))));
  std::size_t scripts = 0;
  for (auto at = html.find("<script"); at != std::string::npos; at = html.find("<script", at + 1)) ++scripts;
  EXPECT_EQ(scripts, 1U);
}

TEST(CheckPage, LoadsNothingAndAllowsItsOwnScriptOnly) {
  Page page;
  page.add(judged(bad_facts()));
  const std::string html = page.finish();
  EXPECT_THAT(html,
              AllOf(StartsWith("<!DOCTYPE html>"), HasSubstr("default-src 'none'"), HasSubstr("script-src 'sha256-"),
                    HasSubstr("prefers-color-scheme: dark"), HasSubstr("name=\"viewport\"")));
  for (const char* loading : {"src=", "url(", "@import", "<link", "<iframe", "<object", "href=\"http"})
    EXPECT_THAT(html, Not(HasSubstr(loading)));
}

TEST(CheckPage, ShowsTheChainAsAPicture) {
  Page page;
  page.add(judged(bad_facts()));
  EXPECT_THAT(page.finish(), AllOf(HasSubstr("<svg class=\"chain long\""), HasSubstr("<svg class=\"chain tall\""),
                                   HasSubstr("aria-label=\"DOMAIN ok, then RECORD ok, then POLICY HOST ok, then MX "
                                             "CRITICAL\""),
                                   Not(HasSubstr("<table>"))));
}

TEST(CheckPage, HasATableForSeveralDomains) {
  Page page;
  page.add(judged(good_facts()));
  page.add(judged(bad_facts()));
  const std::string html = page.finish();
  EXPECT_THAT(html, AllOf(HasSubstr("<table>"), HasSubstr("<a href=\"#d2\">"), HasSubstr("<details id=\"d2\">"),
                          HasSubstr("<h1>2 domains</h1>")));
}

TEST(CheckCodes, AreInTheGuideAsTheyAreHere) {
  std::ifstream file(MTASTS_SOURCE_DIR "/docs/check.md");
  const std::string whole{std::istreambuf_iterator<char>(file), {}};
  const std::size_t start = whole.find("\n## Findings\n");
  ASSERT_NE(start, std::string::npos);
  const std::string guide = whole.substr(start, whole.find("\n## ", start + 1) - start);
  std::size_t rows = 0;
  for (auto at = guide.find("\n| `"); at != std::string::npos; at = guide.find("\n| `", at + 1)) ++rows;
  EXPECT_EQ(rows, codes().size());
  for (const Code& code : codes()) {
    const std::string row = "\n| `" + std::string(code.name) + "` | " + std::string(code.severity) + " | " +
                            std::string(code.explanation) + " | " + std::string(code.rfc) + " |\n";
    EXPECT_THAT(guide, HasSubstr(row));
  }
}

TEST(CheckCodes, AreInTheManual) {
  std::ifstream file(MTASTS_SOURCE_DIR "/packaging/man/mtasts.1");
  const std::string manual{std::istreambuf_iterator<char>(file), {}};
  for (const Code& code : codes()) EXPECT_THAT(manual, HasSubstr("\n.It Cm " + std::string(code.name) + "\n"));
}

}  // namespace
}  // namespace mtasts::check
