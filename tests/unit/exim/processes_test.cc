#include "adapters/exim/processes.h"

#include <gtest/gtest.h>

#include "tests/unit/module/fake_log.h"

namespace mtasts {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class EximProcesses : public testing::Test {
 protected:
  static std::string process(const std::string& peer, std::size_t number) {
    return peer + ' ' + std::to_string(number);
  }
  milliseconds begin(const std::string& name) { return processes_.begin_lookup(name, seconds(20), now_); }

  FakeLog log_{std::make_shared<Lines>()};
  Processes processes_{[](std::string_view) { return no_policy(""); }, log_, nullptr, nullptr};
  SteadyTime now_ = SteadyTime{} + std::chrono::hours(1);
};

TEST_F(EximProcesses, HaveABudgetEach) {
  begin("uid 0 1");
  now_ += seconds(15);
  processes_.end_lookup("uid 0 1", now_);
  EXPECT_EQ(begin("uid 0 1"), seconds(5));
  EXPECT_EQ(begin("uid 0 2"), seconds(20));
}

TEST_F(EximProcesses, AreBounded) {
  const EventWatcher* first = &processes_.watcher("uid 0 1");
  EXPECT_EQ(&processes_.watcher("uid 0 1"), first);
  for (std::size_t i = 0; i < 3 * Processes::kMax; ++i) {
    processes_.watcher(process("uid 0", 1000 + i));
    EXPECT_EQ(&processes_.watcher("uid 0 1"), first) << "who goes on is kept";
  }
}

TEST_F(EximProcesses, OfOnePeerPushOutNoneOfAnothers) {
  const std::size_t few = 100;
  for (std::size_t i = 0; i < few; ++i) begin(process("uid 100", i));
  now_ += seconds(15);
  for (std::size_t i = 0; i < few; ++i) processes_.end_lookup(process("uid 100", i), now_);
  for (std::size_t i = 0; i < 3 * Processes::kMax; ++i) processes_.watcher(process("192.0.2.1", i));
  for (std::size_t i = 0; i < few; ++i) EXPECT_EQ(begin(process("uid 100", i)), seconds(5)) << i;
}

TEST_F(EximProcesses, AForgottenOneBeginsAnew) {
  begin("uid 0 1");
  for (std::size_t i = 0; i < 3 * Processes::kMax; ++i) processes_.watcher(process("uid 0", 1000 + i));
  processes_.end_lookup("uid 0 1", now_);
  EXPECT_EQ(begin("uid 0 1"), seconds(20));
}

}  // namespace
}  // namespace mtasts
