// A thousand cold domains at the same time: bounded towards resolver and policy hosts, and everybody is answered.
#include <gtest/gtest.h>

#include <map>

#include "module/client.h"
#include "module/engine/engine.h"
#include "module/helper/engine_library.h"
#include "module/io/wall_clock.h"
#include "tests/unit/module/fakes.h"
#include "tests/unit/module/lab_config.h"
#include "tests/unit/module/scratch.h"

namespace mtasts {
namespace {

constexpr int kDomains = 1000;

TEST(ManyLookups, AThousandColdDomainsAreAllAnsweredAndCached) {
  const Scratch scratch;
  FakeLog log;
  FileStore store(scratch.path(), log);
  const Config config = lab_config(scratch.path());
  const auto library = EngineLibrary::load(helper_settings(config, LogTarget::kSyslog));
  ASSERT_TRUE(library) << library.error().detail;
  const auto network = library->open(config.network);
  ASSERT_TRUE(network) << network.error().detail;
  EventLoop& loop = (*network)->loop();
  Engine engine(loop, (*network)->resolver(), (*network)->fetcher(), store, log, config.lookup, now);
  engine.on_idle([&loop] { loop.stop(); });
  std::map<std::string, int> answered;
  for (int i = 0; i < kDomains; ++i) {
    const Domain domain = *Domain::parse("m" + std::to_string(i) + ".many.test");
    // Not the deadline of a delivery: slow machines and sanitizers may take their time.
    engine.lookup(domain, Lookup::Effort::kNormal, std::chrono::minutes(4), [&](const Outcome& outcome) {
      const StoredPolicy* policy = outcome.entry.policy_in_force(now());
      if (policy != nullptr && policy->policy.mode == Mode::kEnforce) ++answered[outcome.entry.domain.text()];
    });
  }
  loop.run();
  EXPECT_EQ(answered.size(), kDomains);
  for (const auto& [domain, times] : answered) EXPECT_EQ(times, 1) << domain;
  int cached = 0;
  ASSERT_TRUE(store.for_each([&cached](const CacheEntry& entry, WallTime) { cached += entry.policy ? 1 : 0; }));
  EXPECT_EQ(cached, kDomains);
  for (const auto& line : log.lines) EXPECT_NE(line.find("info event=policy-found "), std::string::npos) << line;
}

}  // namespace
}  // namespace mtasts
