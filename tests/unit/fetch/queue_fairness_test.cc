// A crowd of slow policy hosts and everybody else.
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <string>

#include "tests/unit/fetch/fetching.h"

namespace mtasts {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr char kNginx[] = "127.0.0.1";
constexpr char kSilent[] = "127.0.0.4";

TEST(FetcherFairness, ManySilentHostsAtOneAddressDoNotKeepOthersWaiting) {
  auto config = test::lab_fetcher();
  config.timeout = seconds{1};
  config.max_in_flight = 4;
  config.max_per_address = 3;
  test::Fetching fetching(config);
  constexpr int kCrowd = 50;
  std::map<std::string, int> faults;
  int ended = 0;
  int waiting_was_our_fault = 0;
  for (int i = 0; i < kCrowd; ++i)
    fetching.fetcher().fetch(Domain::parse("silent.test").value(), {kSilent}, [&](auto result) {
      ++faults[result ? "" : result.error().detail];
      waiting_was_our_fault += !result && result.error().code == ErrorCode::kNotTried ? 1 : 0;
      if (++ended == kCrowd) fetching.loop().stop();
    });
  const auto begin = steady_clock::now();
  EXPECT_TRUE(fetching.fetch("good.test", {kNginx}));
  EXPECT_LT(steady_clock::now() - begin, milliseconds{900});
  EXPECT_EQ(ended, 0);
  fetching.loop().run();
  EXPECT_LT(steady_clock::now() - begin, milliseconds{2500});  // not seventeen times the time limit
  EXPECT_EQ(faults["mta-sts.silent.test (127.0.0.4): no policy file within 1 s"], 3);
  EXPECT_EQ(faults["mta-sts.silent.test: too many fetches are under way, waited 1 s"], kCrowd - 3);
  EXPECT_EQ(waiting_was_our_fault, kCrowd - 3);
}

}  // namespace
}  // namespace mtasts
