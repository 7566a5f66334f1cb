#include "module/server/memory.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace mtasts::server {
namespace {

using std::chrono::seconds;

constexpr SteadyTime kStart{seconds{1000}};

Answer frame(std::string text) { return {Label{"postfix", "secure"}, std::move(text)}; }

TEST(Memory, KeepsUntilItsTime) {
  Memory memory(1U << 20U);
  memory.put("postfix a.test", frame("2:OK,"), kStart + seconds{5});
  ASSERT_NE(memory.find("postfix a.test", kStart + seconds{4}), nullptr);
  EXPECT_EQ(memory.find("postfix a.test", kStart)->frame, "2:OK,");
  EXPECT_EQ(memory.find("postfix a.test", kStart + seconds{5}), nullptr);
  EXPECT_EQ(memory.find("postfix b.test", kStart), nullptr);
}

TEST(Memory, TheLaterAnswerCounts) {
  Memory memory(1U << 20U);
  memory.put("postfix a.test", frame("first"), kStart + seconds{5});
  memory.put("postfix a.test", frame("second"), kStart + seconds{9});
  EXPECT_EQ(memory.find("postfix a.test", kStart + seconds{6})->frame, "second");
  EXPECT_EQ(memory.size(), 1U);
}

TEST(Memory, IsBoundedAndKeepsWhatIsUsed) {
  Memory memory(20'000);
  for (int i = 0; i < 1000; ++i) {
    memory.put("postfix " + std::to_string(i) + ".test", frame(std::string(100, 'x')), kStart + seconds{5});
    ASSERT_NE(memory.find("postfix 0.test", kStart), nullptr) << i;
    ASSERT_LE(memory.bytes(), 20'000U);
  }
  EXPECT_EQ(memory.find("postfix 1.test", kStart), nullptr);
  EXPECT_NE(memory.find("postfix 999.test", kStart), nullptr);
}

TEST(Memory, FindsWhateverWasPutLastHoweverMuchComesAndGoes) {
  Memory memory(60'000);
  std::map<std::string, std::string> put;
  std::minstd_rand random(1);
  std::size_t found = 0;
  for (int i = 0; i < 50'000; ++i) {
    const std::string request = "postfix " + std::to_string(random() % 1000) + ".test";
    const Answer* cached = memory.find(request, kStart);
    if (cached != nullptr) {
      ASSERT_EQ(cached->frame, put.at(request)) << i;
      ++found;
    }
    if (cached != nullptr && random() % 4 != 0) continue;
    put[request] = std::to_string(i) + std::string(random() % 200, 'x');
    memory.put(request, frame(put[request]), kStart + seconds{5});
    ASSERT_NE(memory.find(request, kStart), nullptr) << i;
  }
  // A third of a thousand fits.
  EXPECT_GT(memory.size(), 100U);
  EXPECT_GT(found, 5'000U);
}

TEST(Memory, OneLargerThanAllIsKeptAlone) {
  Memory memory(1000);
  memory.put("postfix a.test", frame("small"), kStart + seconds{5});
  memory.put("postfix b.test", frame(std::string(90'000, 'x')), kStart + seconds{5});
  EXPECT_EQ(memory.size(), 1U);
  EXPECT_NE(memory.find("postfix b.test", kStart), nullptr);
}

}  // namespace
}  // namespace mtasts::server
