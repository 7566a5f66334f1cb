// What keeps the daemon from starting; what it does when it runs is seen end to end.
#include "adapters/socketmap/daemon.h"

#include <gtest/gtest.h>
#include <sysexits.h>

#include <cstdlib>
#include <fstream>

#include "tests/unit/module/scratch.h"

namespace mtasts::socketmap {
namespace {

TEST(Daemon, DoesNotRunDeaf) {
  const Scratch scratch;
  const std::string config = scratch.path() + "/mtasts.toml";
  std::ofstream(config) << "[socketmap]\nlisten = []\n";
  EXPECT_EXIT(std::exit(run_daemon(config)), testing::ExitedWithCode(EX_CONFIG), "nothing to listen on");
}

}  // namespace
}  // namespace mtasts::socketmap
