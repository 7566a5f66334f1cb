// Whatever happens, in whatever order: some things hold for every lookup.
#include <gtest/gtest.h>

#include <random>

#include "tests/unit/core/lookup_script.h"

namespace mtasts {
namespace {

using std::chrono::seconds;
using test::absent;
using test::found;
using test::Life;
using test::malformed;
using test::next_of;
using test::policy_body;

class Chance {
 public:
  explicit Chance(unsigned seed) : random_(seed) {}
  int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
  template <typename T>
  T one_of(std::initializer_list<T> choices) {
    return *(choices.begin() + below(static_cast<int>(choices.size())));
  }

 private:
  std::mt19937 random_;
};

RecordResult any_record(Chance& chance) {
  const seconds ttl{chance.one_of({0, 1, 60, 300, 86'400, 999'999})};
  switch (chance.below(5)) {
    case 0:
      return absent(ttl);
    case 1:
      return malformed(ttl);
    case 2:
      return fail(chance.one_of({ErrorCode::kDnsFailure, ErrorCode::kDnsTimeout}), "resolver trouble");
    default:
      return found("id" + std::to_string(chance.below(4)), ttl);
  }
}

FetchResult any_fetch(Chance& chance) {
  switch (chance.below(4)) {
    case 0:
      return fail(chance.one_of({ErrorCode::kPolicyFetch, ErrorCode::kWebPkiInvalid, ErrorCode::kDnsTimeout}),
                  "trouble");
    case 1:
      return "version: STSv1\nmode: lost\n";
    default:
      return policy_body(chance.one_of({"enforce", "testing", "none"}), chance.one_of({0, 59, 600, 86'400, 604'800}));
  }
}

// Lets one lookup run to its end and checks what must hold after every step.
class Script {
 public:
  Script(Life& life, Chance& chance) : life_(life), chance_(chance) {}

  void to_the_end() {
    const int answers_before = life_.answers;
    int steps = 0;
    Action action = begin();
    for (std::string next = next_of(action); next != "finished"; next = next_of(action), ++steps) {
      ASSERT_LT(steps, 2) << "a lookup asks at most once for the record and once for the policy";
      life_.pass(seconds{chance_.below(61)});
      action = next == "query" ? record() : fetch();
      ASSERT_FALSE(testing::Test::HasFatalFailure());
    }
    ASSERT_EQ(life_.answers, answers_before + 1) << "exactly one answer";
    ASSERT_EQ(life_.so_far().progress, Outcome::Progress::kSettled);
  }

 private:
  Action begin() {
    const auto before = life_.entry;
    Action action = life_.start(chance_.below(4) == 0 ? Lookup::Effort::kRefresh : Lookup::Effort::kNormal);
    check(before, action, false);
    return action;
  }
  Action record() {
    const auto before = life_.entry;
    Action action = life_.record(any_record(chance_));
    check(before, action, false);
    EXPECT_TRUE(action.save);
    return action;
  }
  Action fetch() {
    const auto before = life_.entry;
    const FetchResult result = any_fetch(chance_);
    Action action = life_.fetched(result);
    check(before, action, result && parse_policy(*result));
    EXPECT_TRUE(action.save);
    return action;
  }

  void check(const std::optional<CacheEntry>& before, const Action& action, bool new_policy) {
    const CacheEntry seen = life_.so_far().entry;
    if (action.save) {
      ASSERT_EQ(*action.save, seen) << "what is saved is what is known";
      const auto back = parse_cache_entry(serialize(seen), seen.domain);
      ASSERT_TRUE(back && *back == seen) << "and survives the store";
    }
    if (action.answer) {
      const StoredPolicy* policy = action.answer->entry.policy_in_force(life_.now);
      ASSERT_TRUE(policy == nullptr || life_.now < policy->expires()) << "R22";
    }
    const StoredPolicy* held = before ? before->policy_in_force(life_.now) : nullptr;
    if (held != nullptr && !new_policy) {
      ASSERT_NE(seen.policy_in_force(life_.now), nullptr) << "R17, R18, R20: a failing event has lost a policy";
      ASSERT_EQ(*seen.policy_in_force(life_.now), *held);
    }
    const WallTime retry_at = seen.failure ? seen.failure->retry_at : life_.now;
    ASSERT_LE(retry_at - life_.now, seconds{3600}) << "R15";
  }

  Life& life_;
  Chance& chance_;
};

TEST(LookupProperty, HoldsForRandomScripts) {
  for (unsigned seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE(seed);
    Chance chance(seed);
    Life life({.min_ttl = seconds{chance.one_of({0, 60})}});
    for (int lookup = 0; lookup < 60; ++lookup) {
      Script(life, chance).to_the_end();
      if (testing::Test::HasFatalFailure() || testing::Test::HasNonfatalFailure()) return;
      life.pass(seconds{chance.one_of({0, 1, 30, 60, 300, 3600, 86'400})});
    }
  }
}

}  // namespace
}  // namespace mtasts
