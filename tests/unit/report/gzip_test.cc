#include "adapters/cli/report/gzip.h"

#include <gtest/gtest.h>

#include "tests/unit/report/builders.h"

namespace mtasts::report {
namespace {

constexpr std::size_t kLimit = std::size_t{1} << 20U;

std::string outcome(const std::string& bytes) {
  const auto content = gunzip(bytes, kLimit);
  return content ? *content : content.error().reason;
}

const std::string kDamaged = "the gzip file is damaged (its content or its checksum is wrong)";

TEST(Gunzip, GivesBackWhatWasPacked) {
  EXPECT_EQ(outcome(gzipped("a report")), "a report");
  EXPECT_EQ(outcome(gzipped("")), "");
  const std::string full(kLimit, 'a');
  EXPECT_EQ(outcome(gzipped(full)), full);
  EXPECT_TRUE(is_gzip(gzipped("")));
  EXPECT_FALSE(is_gzip("\x1f"));
}

TEST(Gunzip, StopsAtItsLimit) {
  EXPECT_EQ(outcome(gzipped(std::string(kLimit + 1, 'a'))), "more than 1 MiB unpacked");
  EXPECT_EQ(outcome(gzipped(std::string(200 * kLimit, '\0'))), "more than 1 MiB unpacked");
}

TEST(Gunzip, RefusesAFileThatIsCutOff) {
  const std::string whole = gzipped("a report that is long enough to be cut");
  for (std::size_t size = 2; size < whole.size(); ++size)
    EXPECT_EQ(outcome(whole.substr(0, size)), "the gzip file is cut off") << size;
}

TEST(Gunzip, RefusesAWrongChecksumAndLength) {
  const std::string whole = gzipped("a report");
  for (std::size_t back = 1; back <= 8; ++back) {
    std::string wrong = whole;
    wrong[wrong.size() - back] = static_cast<char>(wrong[wrong.size() - back] ^ 1);
    EXPECT_EQ(outcome(wrong), kDamaged) << back;
  }
}

TEST(Gunzip, RefusesWhatIsNoGzip) {
  EXPECT_EQ(outcome("\x1f\x8b\x07 another method"), kDamaged);
  EXPECT_EQ(outcome("a report"), kDamaged);
  EXPECT_EQ(outcome("\x78\x9c zlib without gzip"), kDamaged);
}

TEST(Gunzip, RefusesWhatFollowsTheEnd) {
  EXPECT_EQ(outcome(gzipped("a") + "b"), "something follows after the end of the gzip file");
  EXPECT_EQ(outcome(gzipped("a") + gzipped("b")), "something follows after the end of the gzip file");
}

}  // namespace
}  // namespace mtasts::report
