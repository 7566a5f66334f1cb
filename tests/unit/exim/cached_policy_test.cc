// What an event is judged by, over the server's own answers and a real store.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/exim/line_protocol.h"
#include "module/io/wall_clock.h"
#include "module/server/answers.h"
#include "tests/unit/core/builders.h"
#include "tests/unit/module/fakes.h"
#include "tests/unit/module/scratch.h"
#include "tests/unit/no_more_descriptors.h"

namespace mtasts {
namespace {

class EximCachedPolicy : public testing::Test {
 protected:
  EximCachedPolicy() {
    const WallTime now = mtasts::now();
    EXPECT_TRUE(store_.put({test::domain(),
                            {RecordMemory::State::kFound, now + std::chrono::hours(1), "1", {}},
                            test::stored_policy("1", now),
                            std::nullopt}));
  }
  std::string show_certificate() {
    return *answers_
                .find(
                    R"(event "tls:cert" "0" example.com mx.example.com 192.0.2.1 0 "mode=enforce san=mx.example.com")",
                    {"uid 0"})
                .frame;
  }

  Scratch scratch_;
  Config config_;
  FakeLog log_;
  server::Metrics metrics_;
  FileStore store_{scratch_.path(), log_};
  EximProtocol protocol_{log_};
  server::Answers answers_{{protocol_, nullptr, store_, log_, metrics_, &now}, config_};
};

TEST_F(EximCachedPolicy, R29WhatCannotBeReadIsNoMissingPolicy) {
  EXPECT_EQ(show_certificate(), "OK \n");
  // The sanitizers look at the log's type now: later they lack the descriptors for it.
  static_cast<Log&>(log_).write(LogLevel::kDebug, "");
  const std::string answer = [this] {
    const test::NoMoreDescriptors none;
    return show_certificate();
  }();
  EXPECT_THAT(answer, testing::StartsWith("OK whether the policy lists this MX is not known: "));
}

}  // namespace
}  // namespace mtasts
