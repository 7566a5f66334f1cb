#include "adapters/cli/publish/state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/cli/check/sha256.h"
#include "tests/unit/publish/situations.h"

namespace mtasts::publish {
namespace {

using testing::HasSubstr;

State example() {
  State state;
  for (const Stage stage : {Stage::kTesting, Stage::kEnforceShort, Stage::kEnforce, Stage::kNone}) {
    auto one = *published(stage, std::chrono::days(3)).state;
    one.name = domain(std::string(stage_name(stage)) + ".example");
    one.retired = {"old.example.com"};
    one.keep_until = kNow;
    one.is_other_served = stage == Stage::kEnforce;
    one.aliases = {domain("alias.example")};
    one.is_at_aim = stage == Stage::kEnforce;
    state.emplace(one.name.text(), one);
  }
  state.emplace("gone.example", DomainState{domain("gone.example"), Stage::kGone});
  return state;
}

TEST(PublishState, ComesBackAsItWas) {
  const auto read = parse_state(serialize(example()));
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(*read, example());
  EXPECT_EQ(parse_state(serialize({})).value(), State{});
}

TEST(PublishState, OneWithoutWhetherAnotherPolicyIsServedIsRead) {
  std::string text = serialize(example());
  for (const std::string key : {"  \"other_served\": false,\n", "  \"other_served\": true,\n"})
    for (auto at = text.find(key); at != std::string::npos; at = text.find(key)) text.erase(at, key.size());
  text.erase(text.rfind("sum: "));
  const auto read = parse_state(text + "sum: " + check::sha256_hex(text) + "\n");
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_FALSE(read->at("enforce.example").is_other_served);
}

TEST(PublishState, EveryTruncationIsNoticed) {
  const std::string whole = serialize(example());
  for (std::size_t size = 0; size < whole.size(); ++size)
    ASSERT_EQ(parse_state(whole.substr(0, size)).error().code, ErrorCode::kStoreDamaged) << size;
}

TEST(PublishState, EveryOtherByteIsNoticed) {
  const std::string whole = serialize(example());
  for (std::size_t place = 0; place < whole.size(); ++place) {
    std::string changed = whole;
    changed[place] = static_cast<char>(changed[place] ^ 1);
    ASSERT_FALSE(parse_state(changed)) << place;
  }
}

TEST(PublishState, AnotherVersionIsToldFromDamage) {
  const auto read = parse_state("mtasts-publish 2\n{}\n");
  EXPECT_EQ(read.error().code, ErrorCode::kLocalFault);
  EXPECT_THAT(read.error().detail, HasSubstr("another version"));
}

}  // namespace
}  // namespace mtasts::publish
