#include "module/trial/candidates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace mtasts {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

std::vector<std::string> of(std::vector<MxRecord> records, const std::vector<std::string>& patterns = {}) {
  std::mt19937 random(1);
  return candidates("example.com", std::move(records), patterns, random);
}

TEST(Candidates, TheMostPreferredComesFirst) {
  EXPECT_THAT(of({{20, "b.example.com"}, {10, "a.example.com"}, {30, "c.example.com"}}),
              ElementsAre("a.example.com", "b.example.com", "c.example.com"));
}

TEST(Candidates, R24OnlyThosePermitted) {
  EXPECT_THAT(of({{10, "evil.test"}, {20, "a.b.wild.test"}, {30, "A.wild.test"}, {40, "mx.example.com"}},
                 {"*.wild.test", "mx.example.com"}),
              ElementsAre("a.wild.test", "mx.example.com"));
  EXPECT_THAT(of({{10, "evil.test"}}, {"mx.example.com"}), IsEmpty());
}

TEST(Candidates, ThoseOfOnePreferenceTakeTurns) {
  std::mt19937 random(1);
  std::set<std::string> first;
  for (int i = 0; i < 50; ++i)
    first.insert(candidates("example.com", {{10, "a.test"}, {10, "b.test"}, {20, "c.test"}}, {}, random).front());
  EXPECT_THAT(first, UnorderedElementsAre("a.test", "b.test"));
}

TEST(Candidates, WithoutMxTheDomainItself) {
  EXPECT_THAT(of({}), ElementsAre("example.com"));
  EXPECT_THAT(of({}, {"mx.example.com"}), IsEmpty());
}

TEST(Candidates, ADomainThatTakesNoMailHasNone) { EXPECT_THAT(of({{0, ""}}), IsEmpty()); }

TEST(Candidates, WhatIsNoNameBecomesNoPartOfAnAnswer) {
  EXPECT_THAT(of({{10, "192.0.2.1"},
                  {10, "[192.0.2.1]"},
                  {10, "mx.1"},
                  {10, "localhost"},
                  {10, "user@mx.test"},
                  {10, "mx.test:25"},
                  {10, "a b.test"},
                  {10, "x|y.test"},
                  {10, "a.test\nerror"},
                  {20, "good.test"}}),
              ElementsAre("good.test"));
}

// smtpd resolves the host that it is given: none may be an address, nor what inet_aton(3) takes for one.
TEST(Candidates, R24AHostThatEndsInANumberIsNotNamedWhateverThePolicyAllows) {
  EXPECT_THAT(of({{10, "a.1"}, {20, "127.1"}, {30, "0x7f.1"}, {40, "mx.example.com"}},
                 {"a.1", "127.1", "0x7f.1", "mx.example.com"}),
              ElementsAre("mx.example.com"));
}

TEST(Candidates, AreFew) {
  std::vector<MxRecord> records;
  for (unsigned i = 0; i < 1000; ++i) records.push_back({i, "mx" + std::to_string(i) + ".test"});
  EXPECT_EQ(of(std::move(records)).size(), kMaxCandidates);
}

}  // namespace
}  // namespace mtasts
