#include "adapters/cli/report/render.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

namespace mtasts::report {
namespace {

using namespace std::chrono_literals;
using std::chrono::sys_days;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

PolicyResult expired(Counts counts) { return {counts, {{"certificate-expired", counts.failed}}}; }

TlsReport one(const std::string& organization, const std::string& id, Counts counts, sys_days day = 2026y / 1 / 31) {
  return {organization, id, day, day + 1h, {{{"sts", "our.example"}, expired(counts)}}};
}

Summary sum(const std::vector<TlsReport>& reports) {
  Collection collection;
  for (const TlsReport& report : reports) EXPECT_TRUE(collection.add(report, "a.json"));
  return collection.summary();
}

std::vector<std::string> lines(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> all;
  for (std::string line; std::getline(in, line);) all.push_back(line);
  return all;
}

TEST(Collection, TheSameReportCountsOnce) {
  const Summary summary =
      sum({one("A", "1", {1, 2}), one("A", "1", {1, 2}), one("A", "2", {10, 20}), one("B", "1", {5, 5})});
  EXPECT_EQ(summary.reports, 3U);
  EXPECT_EQ(summary.total, (Counts{16, 27}));
  EXPECT_EQ(summary.senders.at("A"), (Counts{11, 22}));
  EXPECT_EQ(summary.failures.at("certificate-expired"), 27U);
  EXPECT_TRUE(summary.conflicts.empty());
}

// Ids are guessed easily: a forged report that comes first must not hide the real one, nor have it count twice.
TEST(Collection, AReportWithAKnownIdThatSaysSomethingElseCountsWithTheFirstAndIsNamed) {
  const TlsReport real = one("A", "1", {100, 200});
  std::vector<TlsReport> others(4, real);
  others[0].end += 1h;
  others[1].policies.begin()->second.sessions = {0, 0};
  others[2].policies.begin()->second.failures.clear();
  others[3].policies.clear();
  for (const TlsReport& forged : others) {
    Collection collection;
    ASSERT_TRUE(collection.add(forged, "forged"));
    ASSERT_TRUE(collection.add(real, "real"));
    ASSERT_TRUE(collection.add(forged, "again"));
    const Summary summary = collection.summary();
    EXPECT_EQ(summary.reports, 1U);
    EXPECT_EQ(summary.total, (Counts{100, 200}));
    EXPECT_EQ(summary.failures.at("certificate-expired"), 200U);
    ASSERT_EQ(summary.conflicts.size(), 1U);
    const ConflictingReport& conflict = summary.conflicts[0];
    EXPECT_EQ(conflict.file + " " + conflict.other_file, "real forged");
    EXPECT_EQ(conflict.organization + " " + conflict.id, "A 1");
  }
}

TEST(Collection, ACorrectedReportCountsOnceWithTheLargerNumberOfEach) {
  for (const auto& reports : {std::vector{one("A", "1", {100, 200}), one("A", "1", {100, 210})},
                              std::vector{one("A", "1", {100, 210}), one("A", "1", {100, 200})}}) {
    const Summary summary = sum(reports);
    EXPECT_EQ(summary.reports, 1U);
    EXPECT_EQ(summary.total, (Counts{100, 210}));
    EXPECT_EQ(summary.senders.at("A"), (Counts{100, 210}));
    EXPECT_EQ(summary.days.begin()->second, (Counts{100, 210}));
    EXPECT_EQ(summary.failures.at("certificate-expired"), 210U);
  }
  EXPECT_EQ(sum({one("A", "1", {100, 20}), one("A", "1", {10, 200})}).total, (Counts{100, 200}));
}

TEST(Collection, ReportsWithOneIdAndDifferentPoliciesCountForAllOfThem) {
  TlsReport other = one("A", "1", {});
  other.policies = {{{"tlsa", "mx.our.example"}, expired({10, 20})}};
  const Summary summary = sum({one("A", "1", {100, 200}), other});
  EXPECT_EQ(summary.reports, 1U);
  EXPECT_EQ(summary.policies.size(), 2U);
  EXPECT_EQ(summary.total, (Counts{110, 220}));
  EXPECT_EQ(summary.failures.at("certificate-expired"), 220U) << "failures of two policies are two";
}

// Some senders number their reports from the domain alone.
TEST(Collection, ReportsOfTwoDaysCountTwiceAlsoWithOneId) {
  const Summary summary = sum({one("A", "1", {1, 2}), one("A", "1", {1, 2}, 2026y / 2 / 1)});
  EXPECT_EQ(summary.reports, 2U);
  EXPECT_EQ(summary.total, (Counts{2, 4}));
  EXPECT_TRUE(summary.conflicts.empty()) << "nothing is counted once there";
}

TEST(Collection, NamesEachReportOfAConflictWhicheverComesLast) {
  for (const std::uint64_t last : {1U, 2U, 3U}) {
    Collection collection;
    for (std::uint64_t failed = 1; failed <= 3; ++failed) {
      if (failed == last) continue;
      ASSERT_TRUE(collection.add(one("A", "1", {0, failed}), "earlier"));
    }
    ASSERT_TRUE(collection.add(one("A", "1", {0, last}), "last"));
    ASSERT_TRUE(collection.add(one("A", "2", {0, last}), "another id"));
    ASSERT_EQ(collection.summary().conflicts.size(), 2U);
    EXPECT_EQ(collection.summary().conflicts[1].file, "last");
    EXPECT_EQ(collection.summary().conflicts[1].other_file, "earlier");
  }
}

TEST(Collection, ADayIsTheOneOnWhichTheReportBeginsInUtc) {
  TlsReport late = one("A", "1", {1, 0});
  late.start = sys_days{2026y / 1 / 31} + 23h;
  EXPECT_EQ(sum({late}).days.begin()->first, sys_days{2026y / 1 / 31});
}

TEST(Collection, SumsStayAtTheLargestNumber) {
  const Summary summary = sum({one("A", "1", {UINT64_MAX, 1}), one("B", "1", {1, UINT64_MAX}), one("C", "1", {7, 0})});
  EXPECT_EQ(summary.total, (Counts{UINT64_MAX, UINT64_MAX}));
  EXPECT_EQ(summary.failures.at("certificate-expired"), UINT64_MAX);
  EXPECT_EQ(summary.senders.at("C"), (Counts{7, 0})) << "others keep theirs";
  EXPECT_TRUE(is_saturated(summary.total));
  EXPECT_FALSE(is_saturated(summary.senders.at("C")));
}

TEST(Collection, HasRoomForSoMuchAndNoMore) {
  Collection collection;
  TlsReport report = one(std::string(1000, 'o'), "", {});
  for (int i = 0; i < 5000; ++i) report.policies[{std::string(900, 't'), std::to_string(i)}] = {};
  int taken = 0;
  while (taken < 1000) {
    report.id = std::to_string(taken);
    if (!collection.add(report, "a.json")) break;
    ++taken;
  }
  EXPECT_GT(taken, 10);
  EXPECT_LT(taken, 20) << "each is there once more, to know it again";
}

TEST(ReportJson, HasTheShapeOfTheContract) {
  Collection collection;
  ASSERT_TRUE(collection.add(one("A", "1", {1, 0}, 2026y / 2 / 1), "a.json"));
  ASSERT_TRUE(collection.add(one("B", "1", {3, 2}, 2026y / 1 / 31), "a.json"));
  collection.refuse("bad.json", "not UTF-8");
  EXPECT_EQ(
      to_json(collection.summary()),
      R"({"schema":1,"reports":2,"successful":4,"failed":2,)"
      R"("days":[{"day":"2026-01-31","successful":3,"failed":2},{"day":"2026-02-01","successful":1,"failed":0}],)"
      R"("policies":[{"type":"sts","domain":"our.example","successful":4,"failed":2}],)"
      R"("senders":[{"organization":"B","successful":3,"failed":2},{"organization":"A","successful":1,"failed":0}],)"
      R"("failures":[{"type":"certificate-expired","sessions":2}],)"
      R"("refused":[{"file":"bad.json","reason":"not UTF-8"}],"conflicts":[]})");
}

TEST(ReportJson, NamesConflicts) {
  Collection collection;
  ASSERT_TRUE(collection.add(one("A", "1", {1, 0}), "a.json"));
  ASSERT_TRUE(collection.add(one("A", "1", {2, 0}), "b.json"));
  EXPECT_THAT(to_json(collection.summary()),
              HasSubstr(R"("conflicts":[{"file":"b.json","other":"a.json","organization":"A","id":"1"}]})"));
}

TEST(ReportJson, HasItsListsAlsoWhenTheyAreEmpty) {
  EXPECT_EQ(to_json({}), R"({"schema":1,"reports":0,"successful":0,"failed":0,"days":[],"policies":[],"senders":[],)"
                         R"("failures":[],"refused":[],"conflicts":[]})");
}

TEST(ReportJson, IsPlainAsciiWhateverASenderWrites) {
  Collection collection;
  ASSERT_TRUE(collection.add(one("\x1b[31m\u202e\u009b\x7fM\u00fcller", "1", {UINT64_MAX, 0}), "a.json"));
  collection.refuse("not utf-8: \xff", "x");
  const std::string json = to_json(collection.summary());
  for (const char c : json) EXPECT_TRUE(c >= 0x20 && c < 0x7f);
  const auto parsed = nlohmann::json::parse(json);
  EXPECT_EQ(parsed["senders"][0]["organization"], "\x1b[31m\u202e\u009b\x7fM\u00fcller");
  EXPECT_EQ(parsed["successful"], UINT64_MAX);
}

TEST(ReportTable, SaysEverything) {
  const std::string text = to_table(sum({one("A", "1", {1, 0}, 2026y / 2 / 1), one("B", "1", {3, 2})}), {});
  EXPECT_THAT(text, AllOf(HasSubstr("2 reports, 2026-01-31 to 2026-02-01\n4 sessions were successful, 2 failed\n"),
                          HasSubstr("\n2026-01-31 "), HasSubstr("\nsts              our.example "), HasSubstr("\nA  "),
                          HasSubstr("\ncertificate-expired "), Not(HasSubstr("\x1b"))));
  EXPECT_LT(text.find("\nB  "), text.find("\nA  ")) << "who has most failures is first";
  EXPECT_EQ(to_table({}, {}), "no reports\n");
}

TEST(ReportTable, FitsEightyColumnsWhateverASenderWrites) {
  TlsReport report = one(std::string(1000, 'o'), "1", {UINT64_MAX, UINT64_MAX});
  report.policies[{std::string(1000, 't'), "\x1b[2J\u202e" + std::string(900, 'd')}] = {{UINT64_MAX, UINT64_MAX}, {}};
  report.policies.begin()->second.failures["\u65e5\u672c" + std::string(900, '\n')] = UINT64_MAX;
  const std::string text = to_table(sum({report}), {false, Charset::kUtf8});
  for (const std::string& line : lines(text)) EXPECT_LE(columns(line), 80U) << line;
  EXPECT_THAT(text, AllOf(HasSubstr("18446744073709551615"), Not(HasSubstr("\x1b")), Not(HasSubstr("\u202e"))));
}

TEST(ReportTable, NumbersStandBelowEachOther) {
  for (const std::string& line : lines(to_table(sum({one("\u65e5\u672c", "1", {1, 2}), one("\u00fc", "1", {100, 200})}),
                                                {false, Charset::kUtf8}))) {
    if (line.empty() || line.find("report") != std::string::npos || line.find("session") == 2) continue;
    if (line.find("sessions were") != std::string::npos) continue;
    EXPECT_EQ(columns(line), 80U) << line;
  }
}

TEST(ReportTable, LongListsEndWithTheirLength) {
  TlsReport report = one("A", "1", {1, 0});
  for (int i = 0; i < 100; ++i) report.policies.begin()->second.failures[std::to_string(i)] = 1;
  EXPECT_THAT(to_table(sum({report}), {}), HasSubstr("\nand 61 more; --json has them all\n"));
}

TEST(ReportTable, IsColouredWhereThatIsWanted) {
  EXPECT_THAT(to_table(sum({one("A", "1", {1, 2})}), {true, Charset::kAscii}),
              AllOf(HasSubstr("\x1b[1mSender"), HasSubstr("\x1b[31m")));
  EXPECT_THAT(to_table(sum({one("A", "1", {1, 0})}), {true, Charset::kAscii}), Not(HasSubstr("\x1b[31m")));
}

TEST(ReportPage, ContainsNoMarkupOfASender) {
  Collection collection;
  TlsReport report = one("<script>alert(1)</script>", "1", {1, 2});
  report.policies[{"\"><img src=x>", "&<b>'"}] = {{1, 1}, {{"<svg onload=x>", 1}}};
  ASSERT_TRUE(collection.add(report, "a.json"));
  report.id = "<id>";
  ASSERT_TRUE(collection.add(report, "<one>"));
  report.end += 1h;
  ASSERT_TRUE(collection.add(report, "<two>"));
  collection.refuse("<file>", "<reason>");
  const std::string page = to_html(collection.summary());
  for (const char* markup : {"<script", "<img", "<b>", "<svg onload", "<file>", "<reason>", "<id>", "<one>", "<two>"})
    EXPECT_THAT(page, Not(HasSubstr(markup)));
  EXPECT_THAT(page, AllOf(HasSubstr("&lt;script&gt;"), HasSubstr("&lt;file&gt;"), HasSubstr("&lt;one&gt;"),
                          HasSubstr("&lt;two&gt;"), HasSubstr("&lt;id&gt;"), HasSubstr("default-src 'none'"),
                          HasSubstr("prefers-color-scheme: dark"), HasSubstr("<svg viewBox")));
  for (const char* elsewhere : {"http:", "https:", "url(", "@import", " href="})
    EXPECT_THAT(page, Not(HasSubstr(elsewhere)));
}

TEST(ReportPage, IsThereWithoutReports) {
  EXPECT_THAT(to_html({}), AllOf(HasSubstr("0 reports"), Not(HasSubstr("<svg"))));
}

TEST(ReportPlot, HasABarForEachDay) {
  const std::string plot = to_svg(sum({one("A", "1", {1, 0}, 2026y / 1 / 1), one("A", "2", {0, 1}, 2026y / 1 / 3)}));
  EXPECT_THAT(plot, AllOf(HasSubstr("<title>2026-01-01: 1 successful, 0 failed</title>"),
                          HasSubstr("<title>2026-01-03: 0 successful, 1 failed</title>"), HasSubstr("sessions a day")));
}

TEST(ReportPlot, HasNoMoreThan120Bars) {
  std::vector<TlsReport> reports;
  for (int day = 0; day < 1000; ++day)
    reports.push_back(one("A", std::to_string(day), {1, 0}, sys_days{2026y / 1 / 1} + std::chrono::days(day)));
  reports.push_back(one("A", "last", {UINT64_MAX, UINT64_MAX}, 2099y / 12 / 31));
  const std::string plot = to_svg(sum(reports));
  std::size_t bars = 0;
  for (std::size_t at = plot.find("<title>"); at != std::string::npos; at = plot.find("<title>", at + 1)) ++bars;
  EXPECT_LE(bars, 120U);
  EXPECT_THAT(plot, AllOf(HasSubstr(" to "), Not(HasSubstr("nan")), Not(HasSubstr("inf"))));
}

TEST(ReportPlot, AFewFailuresAmongMillionsAreSeen) {
  EXPECT_THAT(to_svg(sum({one("A", "1", {100'000'000, 1})})), HasSubstr("height=\"2.00\""));
}

}  // namespace
}  // namespace mtasts::report
