#include "adapters/cli/check/saved.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "adapters/cli/check/sha256.h"
#include "tests/unit/check/facts.h"
#include "tests/unit/module/scratch.h"

namespace mtasts::check {
namespace {

using std::chrono::days;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

Facts facts_at(WallTime time, const std::string& text = body(), const std::string& id = "1") {
  Facts facts = good_facts();
  facts.seen_at = time;
  facts.record = found({"v=STSv1; id=" + id});
  serve(facts, text);
  return facts;
}

TEST(Saved, R34TheIdOfAFileCarriesItsTimeAndItsHash) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_base64(""), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
  const std::string id = make_record_id(kNow, "");
  EXPECT_EQ(id, "20251124160000he3b0c44298fc1c14");
  EXPECT_TRUE(carries_hash(id));
  EXPECT_TRUE(is_id_of(id, ""));
  EXPECT_FALSE(is_id_of(id, "\n"));
  for (const char* other : {"20251124160000", "20251124160000he3b0c44298fc1c1", "20251124160000HE3b0c44298fc1c14",
                            "2025112416000xhe3b0c44298fc1c14", "20251124160000he3b0c44298fc1c14a", ""})
    EXPECT_FALSE(carries_hash(other)) << other;
}

TEST(Saved, KeepsWhatOnlyTimeShows) {
  const auto first = saved_after(std::nullopt, facts_at(kNow, body("testing", "86400")));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->first_seen, kNow);
  EXPECT_EQ(first->mode_since, kNow);
  EXPECT_EQ(first->held_until, kNow + days(1));
  const auto second = saved_after(first, facts_at(kNow + days(2), body("testing", "604800"), "2"));
  EXPECT_EQ(second->first_seen, kNow);
  EXPECT_EQ(second->mode_since, kNow);
  EXPECT_EQ(second->id, "2");
  EXPECT_EQ(second->body_sha256, sha256_hex(body("testing", "604800")));
  const auto third = saved_after(second, facts_at(kNow + days(3), body("enforce", "86400"), "3"));
  EXPECT_EQ(third->mode, Mode::kEnforce);
  EXPECT_EQ(third->mode_since, kNow + days(3));
  EXPECT_EQ(third->longest_max_age, seconds(604800));  // of a policy that senders may hold still
  EXPECT_EQ(third->held_until, kNow + days(9));
  const auto fourth = saved_after(third, facts_at(kNow + days(10), body("enforce", "86400"), "3"));
  EXPECT_EQ(fourth->longest_max_age, seconds(86400));
}

TEST(Saved, WhatIsGoneIsNotForgottenAndWhatNobodyTakesUpIsNotSaved) {
  const auto before = saved_after(std::nullopt, facts_at(kNow));
  Facts gone = facts_at(kNow + days(1));
  gone.host.clear();
  EXPECT_EQ(saved_after(before, gone), before);
  Facts refused = facts_at(kNow);
  refused.host[0].http.content_type = "text/html";
  EXPECT_EQ(saved_after(std::nullopt, refused), std::nullopt);
  Facts unannounced = facts_at(kNow);
  unannounced.record = no_data();
  EXPECT_EQ(saved_after(std::nullopt, unannounced), std::nullopt) << "senders fetch no policy without a record";
}

TEST(Saved, IsReadAsItWasWritten) {
  for (const Facts& facts : {facts_at(kNow), facts_at(kNow, body("none", "0"))}) {
    const auto saved = saved_after(std::nullopt, facts);
    ASSERT_TRUE(saved);
    const auto again = parse_saved(serialize(*saved), domain());
    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_EQ(*again, *saved);
  }
}

TEST(Saved, WhatIsNotWhatWasWrittenIsDamaged) {
  const std::string good = serialize(*saved_after(std::nullopt, facts_at(kNow)));
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string bytes = good;
    return bytes.replace(bytes.find(from), from.size(), to);
  };
  for (const std::string& bad : std::vector<std::string>{
           "", "x", good + "x", good.substr(0, good.size() - 1), good.substr(0, 40), with("id 1", "id ä"),
           with("id 1", "id"), with("mode enforce", "mode off"), with("first-seen 1", "first-seen 01"),
           with("first-seen 1", "first-seen -1"), with("held-until 1", "held-until 99999999999999991"),
           with("body-sha256 ", "body-sha256 0"), with("domain example.com", "domain example.org"),
           with("longest-max-age 2592000", "longest-max-age 31557601"), good + std::string(kMaxSavedBytes, '\n')}) {
    const auto parsed = parse_saved(bad, domain());
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().code, ErrorCode::kStoreDamaged) << bad;
  }
  const auto other = parse_saved(with("mtasts-check 1", "mtasts-check 2"), domain());
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::kLocalFault);
}

TEST(SavedFolder, KeepsOneFileForEachDomainAndNothingElse) {
  const Scratch scratch;
  const std::string path = scratch.path() + "/check";
  const auto folder = SavedFolder::open(path);
  ASSERT_TRUE(folder) << folder.error().detail;
  EXPECT_EQ(*folder->get(domain()), std::nullopt);
  const auto saved = saved_after(std::nullopt, facts_at(kNow));
  ASSERT_TRUE(folder->put(*saved));
  ASSERT_TRUE(folder->put(*saved));
  EXPECT_EQ(**folder->get(domain()), *saved);
  std::vector<std::string> names;
  for (const auto& item : std::filesystem::directory_iterator(path)) names.push_back(item.path().filename());
  EXPECT_THAT(names, UnorderedElementsAre("example.com"));
}

TEST(SavedFolder, SaysWhatIsWrongWithAFile) {
  const Scratch scratch;
  const auto folder = SavedFolder::open(scratch.path());
  std::ofstream(scratch.path() + "/example.com") << "rubbish";
  const auto saved = folder->get(domain());
  ASSERT_FALSE(saved);
  EXPECT_EQ(saved.error().code, ErrorCode::kStoreDamaged);
  EXPECT_THAT(saved.error().detail, HasSubstr(scratch.path() + "/example.com"));
  std::filesystem::remove(scratch.path() + "/example.com");
  std::filesystem::create_directory(scratch.path() + "/example.com");
  EXPECT_EQ(folder->get(domain()).error().code, ErrorCode::kStoreUnavailable);
  EXPECT_EQ(folder->put(*saved_after(std::nullopt, facts_at(kNow))).error().code, ErrorCode::kStoreUnavailable);
}

// A link that somebody planted leads nowhere.
TEST(SavedFolder, FollowsNoLinkBelowIt) {
  const Scratch scratch;
  const auto folder = SavedFolder::open(scratch.path() + "/check");
  const std::string target = scratch.path() + "/target";
  std::ofstream(target) << "kept";
  std::filesystem::create_symlink(target, scratch.path() + "/check/example.com");
  EXPECT_FALSE(folder->get(domain()));
  ASSERT_TRUE(folder->put(*saved_after(std::nullopt, facts_at(kNow))));
  std::string text;
  std::getline(std::ifstream(target), text);
  EXPECT_EQ(text, "kept");
}

TEST(SavedFolder, CannotBeAFile) {
  const Scratch scratch;
  std::ofstream(scratch.path() + "/file") << "";
  EXPECT_FALSE(SavedFolder::open(scratch.path() + "/file"));
  EXPECT_FALSE(SavedFolder::open(scratch.path() + "/missing/check"));
}

}  // namespace
}  // namespace mtasts::check
