// Lookups of a process that lives on, whose store cannot be written or is full: what was found out is cached in memory.
#include <gmock/gmock.h>

#include "module/engine/public_suffix.h"
#include "module/store/policy_store.h"
#include "module/store/writing_store.h"
#include "tests/unit/module/engine/engine_test.h"
#include "tests/unit/module/scratch.h"

namespace mtasts {
namespace {

using std::chrono::seconds;
using test::EngineTest;
using ::testing::IsEmpty;

struct Place {
  const char* name;
  const char* directory;  // nullptr: a store that is full
};

class UnsavedTest : public EngineTest, public ::testing::WithParamInterface<Place> {
 protected:
  UnsavedTest() {
    rules_.entries = 0;
    quota_.emplace(directory_, rules_, registrable_domain, log_);
    writing_.emplace(files_, *quota_);
    engine_ =
        std::make_unique<Engine>(loop_, resolver_, fetcher_, *writing_, log_, LookupRules{}, [this] { return now_; });
  }

  Scratch scratch_;
  std::string directory_ = GetParam().directory != nullptr ? GetParam().directory : scratch_.path();
  QuotaRules rules_;
  FileStore files_{directory_, log_};
  std::optional<StoreQuota> quota_;
  std::optional<WritingStore> writing_;
};

TEST_P(UnsavedTest, R15AFailedFetchIsBackedOff) {
  ask();
  start();
  record();
  address();
  policy(fail(ErrorCode::kPolicyFetch, "the host is silent"));
  ASSERT_EQ(answers_.size(), 1U);
  ask();
  start();
  EXPECT_THAT(resolver_.txts, IsEmpty()) << "R23: the record is still good";
  EXPECT_THAT(fetcher_.fetches, IsEmpty());
  ASSERT_EQ(answers_.size(), 2U) << "R16: delivery as without MTA-STS, at once";
  EXPECT_EQ(answers_[1].progress, Outcome::Progress::kSettled);
  EXPECT_TRUE(answers_[1].entry.failure);

  now_ += seconds(299);
  ask();
  start();
  EXPECT_THAT(resolver_.hosts, IsEmpty());
  EXPECT_EQ(answers_.size(), 3U);
  now_ += seconds(2);
  ask();
  start();
  record();
  EXPECT_EQ(resolver_.hosts.size(), 1U) << "five minutes have passed";
}

TEST_P(UnsavedTest, R23AnAbsentRecordIsNotAskedForAgain) {
  ask();
  start();
  record("v=spf1 -all");
  ask();
  start();
  EXPECT_THAT(resolver_.txts, IsEmpty());
  ASSERT_EQ(answers_.size(), 2U);
  EXPECT_EQ(answers_[1].entry.record.state, RecordMemory::State::kAbsent);
}

INSTANTIATE_TEST_SUITE_P(Store, UnsavedTest,
                         ::testing::Values(Place{"ThatCannotBeWritten", "/proc/self"}, Place{"ThatIsFull", nullptr}),
                         [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace mtasts
