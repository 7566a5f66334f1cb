// mtasts check on the command line; what it looks at is made up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "adapters/cli/command.h"
#include "tests/unit/check/facts.h"
#include "tests/unit/module/fake_log.h"
#include "tests/unit/module/scratch.h"

namespace mtasts::cli {
namespace {

using check::body;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class CheckProgram : public testing::Test {
 protected:
  CheckProgram() { std::ofstream(config_) << ""; }

  int run(std::vector<std::string> words) {
    out_.str("");
    err_.str("");
    input_.clear();
    input_.str(typed_);
    std::vector<std::string> all{"--config", config_, "check", "--state", state_};
    all.insert(all.end(), words.begin(), words.end());
    return cli::run(all, {out_, err_, false, [this](const std::string&) { return become(); },
                          [] { return std::make_unique<FakeLog>(std::make_shared<Lines>()); }, &input_, 80, progress_,
                          [this](auto domains, auto jobs, const auto& seen) { return observe(domains, jobs, seen); }});
  }
  Result<void> become() {
    ++became_;
    return {};
  }
  // The last one first: the order is that of the list all the same.
  Result<void> observe(std::span<const Domain> domains, std::size_t jobs, const check::Seen& seen) {
    jobs_ = jobs;
    for (std::size_t i = domains.size(); i-- > 0;) {
      const auto known = facts_.find(domains[i].text());
      check::Facts facts = known == facts_.end() ? check::good_facts() : known->second;
      facts.domain = domains[i];
      if (domains[i].text() != lost_) seen(i, std::move(facts));
    }
    if (!lost_.empty()) return fail(ErrorCode::kLocalFault, "the helper is gone");
    return {};
  }
  [[nodiscard]] std::vector<std::string> lines() const {
    std::istringstream text(out_.str());
    std::vector<std::string> all;
    for (std::string line; std::getline(text, line);) all.push_back(line);
    return all;
  }
  void serve(const std::string& name, const std::string& text) {
    check::Facts facts = check::good_facts();
    check::serve(facts, text);
    facts_.insert_or_assign(name, facts);
  }
  static std::string read(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  Scratch scratch_;
  std::string config_ = scratch_.path() + "/mtasts.toml";
  std::string state_ = scratch_.path() + "/state";
  std::map<std::string, check::Facts> facts_;
  std::string lost_;
  std::string typed_;
  bool progress_ = false;
  std::istringstream input_;
  std::ostringstream out_;
  std::ostringstream err_;
  int became_ = 0;
  std::size_t jobs_ = 0;
};

TEST_F(CheckProgram, EndsAsAMonitoringPlugin) {
  serve("short.example", body("enforce", "604800"));
  serve("broken.example", "nonsense");
  facts_.insert_or_assign("dark.example", check::good_facts());
  facts_.at("dark.example").record = check::failed();
  EXPECT_EQ(run({"good.example"}), 0);
  EXPECT_THAT(out_.str(), StartsWith("good.example  ok  no findings\n"));
  EXPECT_THAT(err_.str(), IsEmpty());
  EXPECT_EQ(run({"short.example"}), 1);
  EXPECT_EQ(run({"broken.example"}), 2);
  EXPECT_EQ(run({"dark.example"}), 3);
  EXPECT_EQ(run({"good.example", "dark.example"}), 3);
  EXPECT_EQ(run({"dark.example", "short.example"}), 1);
  EXPECT_EQ(run({"dark.example", "short.example", "broken.example"}), 2);
}

TEST_F(CheckProgram, JsonIsALineForEachDomainInTheOrderOfTheList) {
  typed_ = "b.example\n# comment\na.example\n";
  EXPECT_EQ(run({"--json", "c.example", "--domains", "-", "-j", "7"}), 0);
  std::vector<std::string> names;
  for (const std::string& line : lines()) names.push_back(nlohmann::json::parse(line)["domain"]);
  EXPECT_THAT(names, ElementsAre("c.example", "b.example", "a.example"));
  EXPECT_EQ(jobs_, 7U);
}

TEST_F(CheckProgram, TextOfSeveralDomainsEndsWithALineForEach) {
  serve("b.example", "nonsense");
  EXPECT_EQ(run({"a.example", "b.example"}), 2);
  const auto all = lines();
  ASSERT_GE(all.size(), 2U);
  EXPECT_THAT(all[all.size() - 2], StartsWith("ok        a.example"));
  EXPECT_THAT(all.back(), StartsWith("CRITICAL  b.example"));
}

TEST_F(CheckProgram, NagiosIsOneLine) {
  EXPECT_EQ(run({"--nagios", "a.example"}), 0);
  ASSERT_EQ(lines().size(), 1U);
  EXPECT_THAT(out_.str(), AllOf(StartsWith("MTASTS OK - a.example: "), HasSubstr(" | findings=0")));
  lost_ = "b.example";
  EXPECT_EQ(run({"--nagios", "a.example", "b.example"}), 3);
  EXPECT_EQ(out_.str(), "MTASTS UNKNOWN - the helper is gone | findings=U certificate_days=U\n");
}

TEST_F(CheckProgram, WhatCouldNotBeLookedAtIsNeverOk) {
  lost_ = "a.example";
  EXPECT_EQ(run({"a.example"}), 3);
  EXPECT_EQ(err_.str(), "mtasts: the helper is gone\n");
  serve("b.example", "nonsense");
  EXPECT_EQ(run({"b.example", "a.example"}), 2);
}

TEST_F(CheckProgram, IgnoreDropsAFindingAndRequireMakesOne) {
  serve("a.example", body("testing"));
  EXPECT_EQ(run({"a.example"}), 0);
  EXPECT_EQ(run({"a.example", "--require=enforce"}), 1);
  EXPECT_EQ(run({"a.example", "--require=enforce", "--ignore", "policy-testing"}), 0);
  serve("b.example", body("enforce", "604800", "mx.other.example"));
  EXPECT_EQ(run({"--ignore", "policy-mx-missing", "b.example"}), 1);
  EXPECT_EQ(run({"--ignore", "policy-mx-missing,policy-max-age-short", "b.example"}), 0);
}

TEST_F(CheckProgram, DaysMoveTheWarningOfCertificates) {
  EXPECT_EQ(run({"a.example", "--days", "61"}), 1);
  EXPECT_EQ(run({"a.example", "--days", "60"}), 0);
}

TEST_F(CheckProgram, WhatIsSaidWrongIsOneSentenceAndThree) {
  for (const auto& words : std::vector<std::vector<std::string>>{{},
                                                                 {"https://example.com/"},
                                                                 {"user@example.com"},
                                                                 {"192.0.2.1"},
                                                                 {"[IPv6:2001:db8::1]"},
                                                                 {"localhost"},
                                                                 {"a..b"},
                                                                 {"a.example", "--ignore", "no-such-code"},
                                                                 {"a.example", "--json", "--nagios"},
                                                                 {"a.example", "--require=testing"},
                                                                 {"a.example", "-j", "0"},
                                                                 {"a.example", "-j", "x"},
                                                                 {"a.example", "--days", "-1"},
                                                                 {"a.example", "--frobnicate"},
                                                                 {"--domains", "/nonexistent"},
                                                                 {"--domains", "/"},
                                                                 {"a.example", "--html", "/nonexistent/page.html"}}) {
    EXPECT_EQ(run(words), 3) << testing::PrintToString(words);
    EXPECT_THAT(err_.str(), StartsWith("mtasts: ")) << testing::PrintToString(words);
    EXPECT_EQ(std::ranges::count(err_.str(), '\n'), 1) << err_.str();
    EXPECT_THAT(out_.str(), IsEmpty());
    EXPECT_EQ(became_, 0);
  }
}

TEST_F(CheckProgram, BecomesTheUserOfLookupsOnceItHasOpenedWhatTheCallerNamed) {
  EXPECT_EQ(run({"a.example"}), 0);
  EXPECT_EQ(became_, 1);
}

TEST_F(CheckProgram, ABrokenConfigurationIsThree) {
  std::ofstream(config_) << "[dns]\ntimeout_s = \"long\"\n";
  EXPECT_EQ(run({"a.example"}), 3);
  EXPECT_THAT(err_.str(), HasSubstr("mtasts.toml:2: "));
}

TEST_F(CheckProgram, WritesThePageBesideWhatItPrints) {
  const std::string path = scratch_.path() + "/page.html";
  std::ofstream(path) << std::string(1'000'000, 'x');  // what was there is gone
  EXPECT_EQ(run({"--json", "a.example", "b.example", "--html", path}), 0);
  EXPECT_EQ(lines().size(), 2U);
  const std::string page = read(path);
  EXPECT_THAT(page, AllOf(StartsWith("<!DOCTYPE html>"), HasSubstr("a.example"), Not(HasSubstr("xxx"))));
  EXPECT_TRUE(page.ends_with("</html>\n"));
}

TEST_F(CheckProgram, APageThatCannotBeWrittenIsNoSuccess) {
  EXPECT_EQ(run({"a.example", "--html", "/dev/full"}), 3);
  EXPECT_THAT(err_.str(), HasSubstr("/dev/full cannot be written: No space left"));
}

TEST_F(CheckProgram, KnowsWhatItSawInEarlierRuns) {
  EXPECT_EQ(run({"a.example"}), 0);
  EXPECT_THAT(read(state_ + "/a.example"), StartsWith("mtasts-check 1\ndomain a.example\n"));
  serve("a.example", body("enforce", "1300000"));
  EXPECT_EQ(run({"a.example"}), 2);
  EXPECT_THAT(out_.str(), HasSubstr("id-stale"));
  facts_.at("a.example").record = check::no_name();
  EXPECT_EQ(run({"a.example"}), 2);
  EXPECT_THAT(out_.str(), HasSubstr("removed-early"));
}

TEST_F(CheckProgram, WhatIsDamagedIsToldAndReplacedAndWhatIsOfAnotherVersionStays) {
  std::filesystem::create_directory(state_);
  std::ofstream(state_ + "/a.example") << "rubbish";
  EXPECT_EQ(run({"a.example"}), 0);
  EXPECT_THAT(err_.str(), HasSubstr("is damaged"));
  EXPECT_THAT(read(state_ + "/a.example"), StartsWith("mtasts-check 1\n"));
  std::ofstream(state_ + "/a.example") << "mtasts-check 2\n";
  EXPECT_EQ(run({"a.example"}), 0);
  EXPECT_THAT(err_.str(), HasSubstr("another version"));
  EXPECT_EQ(read(state_ + "/a.example"), "mtasts-check 2\n");
}

TEST_F(CheckProgram, AStateFolderThatIsNoneIsThree) {
  state_ = "/dev/null";
  EXPECT_EQ(run({"a.example"}), 3);
  EXPECT_THAT(err_.str(), StartsWith("mtasts: --state: "));
  EXPECT_EQ(run({"--nagios", "a.example"}), 3);
  EXPECT_THAT(out_.str(), StartsWith("MTASTS UNKNOWN - --state: "));
}

TEST_F(CheckProgram, ShowsProgressOnATerminalOnly) {
  EXPECT_EQ(run({"a.example", "b.example"}), 0);
  EXPECT_THAT(err_.str(), IsEmpty());
  progress_ = true;
  EXPECT_EQ(run({"a.example", "b.example"}), 0);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("1 of 2 checked"), testing::EndsWith("\r\x1b[K")));
}

TEST_F(CheckProgram, HelpHasAnExampleAndTheExitCodes) {
  EXPECT_EQ(run({"--help"}), 0);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("Example: mtasts check "), HasSubstr("2 critical")));
}

TEST_F(CheckProgram, AnAnswerThatCannotBeWrittenIsThree) {
  out_.setstate(std::ios::badbit);
  EXPECT_EQ(run({"a.example"}), 3);
}

}  // namespace
}  // namespace mtasts::cli
