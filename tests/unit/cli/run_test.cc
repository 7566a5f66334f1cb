#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "tests/unit/cli/program.h"

namespace mtasts::cli {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

TEST_F(Program, QuerySaysWhatApplies) {
  cache("good.example", "enforce");
  EXPECT_EQ(run({"query", "Good.Example."}), kApplies);
  EXPECT_THAT(out_.str(), AllOf(StartsWith("good.example: enforce\n"), HasSubstr("mx        mx.good.example\n"),
                                HasSubstr("source    cache\n"), Not(HasSubstr("\x1b"))));
  EXPECT_THAT(err_.str(), IsEmpty());
}

TEST_F(Program, QueryTestingAppliesAndNoneDoesNot) {
  cache("watched.example", "testing");
  cache("left.example", "none");
  EXPECT_EQ(run({"query", "watched.example"}), kApplies);
  EXPECT_EQ(run({"query", "left.example"}), kNone);
  EXPECT_EQ(run({"query", "localhost"}), kNone);
  EXPECT_THAT(out_.str(), StartsWith("localhost: none\n"));
}

TEST_F(Program, QueryJsonHasTheKeysOfTheContractInItsOrder) {
  cache("good.example", "enforce", WallTime(std::chrono::floor<std::chrono::seconds>(now())));
  EXPECT_EQ(run({"query", "--json", "good.example"}), kApplies);
  const auto json = nlohmann::ordered_json::parse(out_.str());
  std::vector<std::string> keys;
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  EXPECT_THAT(keys, testing::ElementsAre("domain", "mode", "mx", "max_age", "id", "fetched", "expires", "source",
                                         "dane", "reason", "temporary"));
  EXPECT_EQ(json["mode"], "enforce");
  EXPECT_EQ(json["mx"], nlohmann::ordered_json::array({"mx.good.example"}));
  EXPECT_EQ(json["max_age"], 86400);
  EXPECT_EQ(json["id"], "20260101");
  EXPECT_EQ(json["source"], "cache");
  EXPECT_EQ(json["dane"], "none");
  EXPECT_EQ(json["fetched"].get<std::string>().size(), std::string("2026-01-31T08:05:00Z").size());
}

TEST_F(Program, QueryJsonIsNullWhereThereIsNothing) {
  EXPECT_EQ(run({"query", "--json", "localhost"}), kNone);
  const auto json = nlohmann::ordered_json::parse(out_.str());
  EXPECT_EQ(json["mode"], "none");
  EXPECT_TRUE(json["mx"].empty());
  for (const char* key : {"max_age", "id", "fetched", "expires"}) EXPECT_TRUE(json[key].is_null()) << key;
}

TEST_F(Program, WhatCannotBeFoundOutIsTemporary) {
  EXPECT_EQ(run({"query", "--json", "unknown.example"}), kTemporary);
  EXPECT_TRUE(nlohmann::json::parse(out_.str())["mode"].is_null());
  EXPECT_EQ(run({"query", "unknown.example"}), kTemporary);
  EXPECT_THAT(out_.str(), StartsWith("unknown.example: unknown, could not be found out now\n"));
  EXPECT_EQ(run({"match", "unknown.example", "mx.unknown.example"}), kTemporary);
}

TEST_F(Program, WhatCannotBeFoundOutIsTemporaryAlsoWhereMailGoesOn) {
  configure("[dns]\nresolvers = [\"127.0.0.1:1\"]\ntimeout_s = 1\n[engine]\non_dns_failure = \"no-policy\"\n");
  EXPECT_EQ(run({"query", "--json", "unknown.example"}), kTemporary);
  EXPECT_EQ(nlohmann::json::parse(out_.str())["temporary"], true);
  EXPECT_EQ(run({"match", "unknown.example", "mx.unknown.example"}), kTemporary);
  EXPECT_THAT(err_.str(), HasSubstr("could not be found out now"));
  EXPECT_THAT(out_.str(), Not(HasSubstr("is allowed")));
}

TEST_F(Program, WhatCannotBeReadIsTemporary) {
  cache("good.example", "enforce");
  std::filesystem::path shard;
  for (const auto& item : std::filesystem::recursive_directory_iterator(store_))
    if (item.path().filename() == "good.example") shard = item.path().parent_path();
  std::filesystem::remove_all(shard);
  std::ofstream(shard) << "no folder";
  EXPECT_EQ(run({"query", "good.example"}), kTemporary);
  EXPECT_EQ(run({"match", "good.example", "mx.good.example"}), kTemporary);
  EXPECT_EQ(run({"cache", "show", "good.example"}), kTemporary);
}

TEST_F(Program, R24MatchTellsByItsExitCode) {
  cache("good.example", "enforce");
  EXPECT_EQ(run({"match", "good.example", "MX.good.example."}), kApplies);
  EXPECT_EQ(run({"match", "good.example", "impostor.example"}), kNone);
  EXPECT_THAT(out_.str(), HasSubstr("impostor.example is not allowed for good.example"));
  EXPECT_EQ(run({"match", "localhost", "any.example"}), kApplies);
}

TEST_F(Program, WordsThatAreNoNamesAreUsage) {
  for (const auto& words : std::vector<std::vector<std::string>>{{"query", "a..b"},
                                                                 {"query", ""},
                                                                 {"query"},
                                                                 {"query", "a.example", "b.example"},
                                                                 {"match", "a.example"},
                                                                 {"match", "localhost", "not a host"},
                                                                 {"cache"},
                                                                 {"cache", "show"},
                                                                 {"cache", "show", "localhost"},
                                                                 {"cache", "purge", "a..b"},
                                                                 {"cache", "purge"},
                                                                 {"cache", "purge", "a.example", "--all"},
                                                                 {"query", "joe@a.example"},
                                                                 {"frobnicate"},
                                                                 {"--frobnicate"},
                                                                 {}}) {
    EXPECT_EQ(run(words), kUsage) << testing::PrintToString(words);
    EXPECT_THAT(err_.str(), StartsWith("mtasts: ")) << testing::PrintToString(words);
    EXPECT_EQ(std::ranges::count(err_.str(), '\n'), 1) << err_.str();
    EXPECT_THAT(out_.str(), IsEmpty());
  }
}

TEST_F(Program, HelpAndVersionNeedNothing) {
  EXPECT_EQ(run({"--version"}), 0);
  EXPECT_EQ(out_.str(), "mtasts " MTASTS_VERSION "\n");
  for (const auto& words : std::vector<std::vector<std::string>>{{"--help"},
                                                                 {"query", "--help"},
                                                                 {"match", "--help"},
                                                                 {"config", "--help"},
                                                                 {"cache", "--help"},
                                                                 {"cache", "list", "--help"},
                                                                 {"cache", "show", "--help"},
                                                                 {"cache", "refresh", "--help"},
                                                                 {"cache", "purge", "--help"}}) {
    EXPECT_EQ(run(words), 0);
    EXPECT_THAT(out_.str(), HasSubstr("Example: mtasts ")) << testing::PrintToString(words);
  }
  EXPECT_THAT(became_, IsEmpty());
}

TEST_F(Program, BecomesTheUserOfTheConfigurationFirst) {
  configure("[engine]\nuser = \"postmaster\"\n");
  EXPECT_EQ(run({"cache", "list"}), 0);
  EXPECT_THAT(became_, testing::ElementsAre("postmaster"));
}

TEST_F(Program, MatchJsonTellsTheSame) {
  cache("good.example", "enforce");
  EXPECT_EQ(run({"match", "--json", "good.example", "mx.good.example"}), kApplies);
  EXPECT_EQ(nlohmann::json::parse(out_.str())["allowed"], true);
  EXPECT_EQ(run({"match", "--json", "good.example", "impostor.example"}), kNone);
  EXPECT_EQ(nlohmann::json::parse(out_.str())["allowed"], false);
  EXPECT_EQ(run({"match", "--json", "unknown.example", "mx.example"}), kTemporary);
  EXPECT_TRUE(nlohmann::json::parse(out_.str())["allowed"].is_null());
}

TEST_F(Program, TimesAreToldForPeople) {
  cache("good.example", "enforce");
  EXPECT_EQ(run({"query", "good.example"}), kApplies);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("max_age   86400 s (24 hours)\n"), HasSubstr("Z (in 2"),
                                AnyOf(HasSubstr("Z (now)"), ContainsRegex("Z \\([0-9]+ seconds? ago\\)"))));
}

TEST_F(Program, SaysWhatWasMeantInPlaceOfADomain) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{"query", "joe@partner.example"},
                                                {"cache", "show", "https://partner.example/path"},
                                                {"match", "*.partner.example", "mx.example"},
                                                {"cache", "purge", "joe@partner.example"}}) {
    EXPECT_EQ(run(words), kUsage);
    EXPECT_THAT(err_.str(), HasSubstr("only the domain is meant: partner.example\n")) << testing::PrintToString(words);
  }
}

TEST_F(Program, WaitingShowsProgressOnATerminalOnly) {
  const std::string erase = "\r\x1b[K";
  EXPECT_EQ(run({"query", "unknown.example"}), kTemporary);
  EXPECT_THAT(err_.str(), IsEmpty());
  progress_ = true;
  EXPECT_EQ(run({"query", "unknown.example"}), kTemporary);
  EXPECT_EQ(err_.str(), erase + "looking up unknown.example" + erase);
  EXPECT_EQ(run({"match", "unknown.example", "mx.unknown.example"}), kTemporary);
  EXPECT_THAT(err_.str(), StartsWith(erase + "looking up unknown.example" + erase + "mtasts: whether "));
  EXPECT_EQ(run({"cache", "refresh", "unknown.example"}), kTemporary);
  EXPECT_THAT(err_.str(), StartsWith(erase + "looking up unknown.example" + erase + "mtasts: "));
  EXPECT_EQ(run({"cache", "refresh"}), kTemporary);
  EXPECT_THAT(err_.str(), StartsWith(erase + "looking through the store" + erase + "mtasts: "));
  const std::string domain = std::string(60, 'x') + "." + std::string(60, 'x');
  EXPECT_EQ(run({"query", domain}), kTemporary);
  EXPECT_EQ(err_.str().size(), 2 * erase.size() + 79) << "a line of the terminal, which is erased";
}

TEST_F(Program, AnAnswerThatCannotBeWrittenIsNoSuccess) {
  cache("a.example", "enforce");
  out_.setstate(std::ios::badbit);  // a full disk
  EXPECT_EQ(run({"query", "a.example"}), kTemporary);
  EXPECT_THAT(err_.str(), HasSubstr("cannot be written"));
}

TEST_F(Program, ColoursOnlyWhereTheyAreWanted) {
  cache("a.example", "enforce");
  colour_ = true;
  EXPECT_EQ(run({"query", "a.example"}), 0);
  EXPECT_THAT(out_.str(), StartsWith("a.example: \x1b[32menforce\x1b[0m\n"));
  EXPECT_EQ(run({"query", "--json", "a.example"}), 0);
  EXPECT_THAT(out_.str(), Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace mtasts::cli
