#include "adapters/cli/publish/state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
