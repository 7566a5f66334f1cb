#include "module/server/descriptors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/module/fakes.h"

namespace mtasts::server {
namespace {

// In a process of its own, which has these limits.
testing::AssertionResult possible(rlim_t soft, rlim_t hard, std::size_t wanted, std::size_t expected, bool warned) {
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit limit{soft, hard};
    FakeLog log;
    const bool set = ::setrlimit(RLIMIT_NOFILE, &limit) == 0;
    const std::size_t got = connections_possible(wanted, log);
    ::_exit(set && got == expected && log.lines.empty() != warned ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status == 0 ? testing::AssertionSuccess() : testing::AssertionFailure();
}

TEST(Descriptors, AHighLimitLeavesAllOfTheConnections) { EXPECT_TRUE(possible(1024, 8192, 2000, 2000, false)); }

TEST(Descriptors, OfALowLimitOneHalfIsKeptForTheStore) {
  EXPECT_TRUE(possible(1024, 1024, 2000, 512, true));
  EXPECT_TRUE(possible(64, 64, 2000, 32, true));
}

TEST(Descriptors, FewConnectionsNeedNoWarning) { EXPECT_TRUE(possible(1024, 1024, 500, 500, false)); }

TEST(Descriptors, AThousandAreKeptOfAHighLimit) { EXPECT_TRUE(possible(4096, 4096, 100'000, 3072, true)); }

}  // namespace
}  // namespace mtasts::server
