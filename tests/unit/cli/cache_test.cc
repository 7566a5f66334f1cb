// `mtasts cache`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "adapters/cli/describe.h"
#include "tests/unit/cli/program.h"

namespace mtasts::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

// What can be read is shown, and that it is not all is said.
TEST_F(Program, WhatCannotBeListedIsTemporary) {
  cache("good.example", "enforce");
  std::filesystem::path shard;
  for (const auto& item : std::filesystem::recursive_directory_iterator(store_))
    if (item.path().filename() == "good.example") shard = item.path().parent_path();
  cache("other.example", "enforce");
  std::filesystem::remove_all(shard);
  std::ofstream(shard) << "no folder";
  const std::string why = "cannot list " + shard.string() + ": Not a directory\n";
  EXPECT_EQ(run({"cache", "list"}), kTemporary);
  EXPECT_THAT(out_.str(), StartsWith("other.example  enforce"));
  EXPECT_EQ(err_.str(), "mtasts: this is not all: " + why);
  EXPECT_EQ(run({"cache", "purge", "--all"}), kTemporary);
  EXPECT_EQ(err_.str(), "mtasts: " + why);
}

TEST_F(Program, CacheListShowsEveryDomainInOrder) {
  cache("b.example", "testing");
  cache("a.example", "enforce");
  cache("expired.example", "enforce", now() - std::chrono::hours(48));
  EXPECT_EQ(run({"cache", "list"}), 0);
  EXPECT_THAT(out_.str(), StartsWith("a.example  enforce  until "));
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("\nb.example  testing  until "), HasSubstr("\nexpired.example  none  ")));
}

TEST_F(Program, CacheJsonIsOneObjectALine) {
  cache("b.example", "testing");
  cache("a.example", "enforce");
  cache("expired.example", "enforce", now() - std::chrono::hours(48));
  EXPECT_EQ(run({"cache", "list", "--json"}), 0);
  std::istringstream lines(out_.str());
  std::vector<nlohmann::json> objects;
  for (std::string line; std::getline(lines, line);) objects.push_back(nlohmann::json::parse(line));
  ASSERT_EQ(objects.size(), 3U);
  EXPECT_EQ(objects[0]["domain"], "a.example");
  EXPECT_EQ(objects[0]["mode"], "enforce");
  EXPECT_EQ(objects[0]["max_age"], 86400);
  EXPECT_EQ(objects[0]["record"]["state"], "found");
  EXPECT_EQ(objects[0]["dane"]["state"], "none");
  EXPECT_EQ(objects[2]["mode"], "none");
  EXPECT_TRUE(objects[2]["expires"].is_null());
  EXPECT_EQ(run({"cache", "show", "a.example", "--json"}), 0);
  EXPECT_EQ(nlohmann::json::parse(out_.str()), objects[0]);
}

TEST_F(Program, CacheListLeavesOutDomainsWithoutARecord) {
  CacheEntry entry{*Domain::parse("plain.example"), {}, std::nullopt, std::nullopt};
  entry.record = {RecordMemory::State::kAbsent, now() + std::chrono::hours(1), "", ""};
  FakeLog log(log_);
  ASSERT_TRUE(FileStore(store_, log).put(entry));
  EXPECT_EQ(run({"cache", "list"}), 0);
  EXPECT_THAT(out_.str(), IsEmpty());
  EXPECT_EQ(run({"cache", "show", "plain.example"}), 0);
  EXPECT_THAT(out_.str(), HasSubstr("record    none (cached until "));
}

TEST_F(Program, CacheShowTellsEverything) {
  cache("a.example", "enforce");
  EXPECT_EQ(run({"cache", "show", "a.example"}), 0);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("record    id 20260101"), HasSubstr("in force until"),
                                HasSubstr("mode: enforce\n"), HasSubstr("mx: mx.a.example\n")));
  EXPECT_EQ(run({"cache", "show", "b.example"}), kNone);
  EXPECT_EQ(err_.str(), "mtasts: nothing is cached of b.example\n");
}

TEST_F(Program, CachePurgeForgetsOneOrAll) {
  for (const char* name : {"a.example", "b.example", "c.example"}) cache(name, "enforce");
  EXPECT_EQ(run({"cache", "purge", "a.example"}), 0);
  EXPECT_EQ(out_.str(), "removed 1 domain\n");
  EXPECT_EQ(run({"cache", "purge", "a.example"}), kNone);
  EXPECT_EQ(run({"cache", "purge"}), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("--all"));
  EXPECT_EQ(run({"cache", "purge", "--all"}), 0);
  EXPECT_EQ(out_.str(), "removed 2 domains\n");
  EXPECT_EQ(run({"cache", "list"}), 0);
  EXPECT_THAT(out_.str(), IsEmpty());
}

TEST_F(Program, CachePurgeJsonTellsHowMany) {
  for (const char* name : {"a.example", "b.example", "c.example"}) cache(name, "enforce");
  EXPECT_EQ(run({"cache", "purge", "a.example", "--json"}), 0);
  EXPECT_EQ(out_.str(), "{\"removed\":1}\n");
  EXPECT_EQ(run({"cache", "purge", "a.example", "--json"}), kNone);
  EXPECT_EQ(out_.str(), "{\"removed\":0}\n");
  EXPECT_EQ(run({"cache", "purge", "--all", "--json"}), 0);
  EXPECT_EQ(out_.str(), "{\"removed\":2}\n");
}

TEST(RefreshJson, HasWhatTheLineAndTheWarningsTell) {
  SweepSummary summary;
  summary.in_force = 120;
  summary.due = 4;
  summary.refreshed = 3;
  summary.forgotten = 2;
  summary.damaged = 1;
  summary.failures.push_back({*Domain::parse("a.example"), "the server said \"\xff\""});
  EXPECT_EQ(to_json(summary, ""),
            "{\"refreshed\":3,\"due\":4,\"in_force\":120,\"forgotten\":2,\"damaged\":1,\"failures\":[{\"domain\":"
            "\"a.example\",\"reason\":\"the server said \\\"\xef\xbf\xbd\\\"\"}],\"reason\":\"\"}");
  EXPECT_EQ(nlohmann::json::parse(to_json({}, "this is not all"))["reason"], "this is not all");
}

// With the helper: tests/e2e and tests/unit/module/engine/sweep_test.cc.
TEST_F(Program, CacheRefreshWithoutTheHelperIsASentence) {
  cache("a.example", "enforce");
  EXPECT_EQ(run({"cache", "refresh"}), kTemporary);
  EXPECT_THAT(err_.str(), AllOf(StartsWith("mtasts: cannot start "), HasSubstr("install mtasts completely")));
}

TEST_F(Program, AStoreThatCannotBeListedIsASentence) {
  std::filesystem::remove_all(store_);
  EXPECT_EQ(run({"cache", "refresh"}), kTemporary);
  EXPECT_THAT(err_.str(), HasSubstr("cannot list "));
  EXPECT_EQ(run({"cache", "list"}), kTemporary);
  EXPECT_THAT(err_.str(), StartsWith("mtasts: "));
}

}  // namespace
}  // namespace mtasts::cli
