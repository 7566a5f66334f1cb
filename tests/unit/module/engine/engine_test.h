// An engine whose network answers when told, and whose clock is a number.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "module/engine/engine.h"
#include "tests/unit/core/builders.h"
#include "tests/unit/module/fakes.h"

namespace mtasts::test {

class EngineTest : public ::testing::Test {
 protected:
  static Domain domain(const std::string& name = "example.com") { return *Domain::parse(name); }

  // The callback of the oldest open question.
  template <typename Queue>
  static auto take(Queue& queue) {
    auto done = queue.front().second;
    queue.erase(queue.begin());
    return done;
  }
  void ask(const std::string& name = "example.com", std::chrono::milliseconds deadline = std::chrono::seconds(20)) {
    engine_->lookup(domain(name), Lookup::Effort::kNormal, deadline,
                    [this](const Outcome& outcome) { answers_.push_back(outcome); });
  }
  void refresh(const std::string& name = "example.com", std::chrono::milliseconds deadline = std::chrono::seconds(90)) {
    engine_->lookup(domain(name), Lookup::Effort::kRefresh, deadline,
                    [this](const Outcome& outcome) { refreshes_.push_back(outcome); });
  }
  void start() { loop_.advance(std::chrono::milliseconds(1)); }
  void record(const std::string& text = "v=STSv1; id=1;") { take(resolver_.txts)(FakeResolver::found({text})); }
  void address(const std::string& text = "192.0.2.1") { take(resolver_.hosts)(FakeResolver::found({text})); }
  void policy(FetchResult result) {
    const auto done = fetcher_.fetches.front().done;
    fetcher_.fetches.erase(fetcher_.fetches.begin());
    done(result);
  }
  FakeLoop loop_;
  FakeResolver resolver_;
  FakeFetcher fetcher_;
  FakeStore store_;
  FakeLog log_;
  WallTime now_{std::chrono::seconds(1'800'000'000)};
  std::unique_ptr<Engine> engine_ =
      std::make_unique<Engine>(loop_, resolver_, fetcher_, store_, log_, LookupRules{}, [this] { return now_; });
  std::vector<Outcome> answers_;
  std::vector<Outcome> refreshes_;
};

}  // namespace mtasts::test
