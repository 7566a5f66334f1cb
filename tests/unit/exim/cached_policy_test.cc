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
  std::string show_certificate(const std::string& host = "mx.example.com", const std::string& mode = "enforce",
                               const std::string& tlsa = "0") {
    return *answers_
                .find("event \"tls:cert\" \"0\" example.com " + host + " 192.0.2.1 0 \"mode=" + mode + " tlsa=" + tlsa +
                          " san=" + host + '"',
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

// The certificate is good: an Exim linked with OpenSSL trusts the system's authorities here.
TEST_F(EximCachedPolicy, R29AnUnlistedHostIsRefusedAlsoWhenItsDaneMemoryHasEnded) {
  config_.lookup.ask_dane = config_.decision.ask_dane = true;
  const WallTime now = mtasts::now();
  const std::string host = "other.example.com";
  const DaneMemory memory{DaneState::kPartly, now - std::chrono::seconds(1), "TLSA records", {host}};
  const DaneMemory failed{DaneState::kFailed, now + std::chrono::hours(1), "no answer in time"};
  for (const auto& dane : {std::optional(memory), std::optional(failed), std::optional<DaneMemory>()}) {
    CacheEntry entry = store_.get(test::domain()).value().value();
    entry.dane = dane;
    ASSERT_TRUE(store_.put(entry));
    EXPECT_THAT(show_certificate(host), testing::StartsWith("OK the policy does not list this MX, and Exim found no "));
    EXPECT_EQ(show_certificate(host, "enforce", "8"), "OK \n") << "its TLSA records were found";
    EXPECT_EQ(show_certificate(host, "testing"), "OK \n") << "R27";
    EXPECT_EQ(show_certificate(), "OK \n") << "the policy lists it";
  }
}

// Such as a store that is full, or cannot be written: only the helper that looked it up has the policy.
TEST_F(EximCachedPolicy, R29AnUnlistedHostIsRefusedAlsoWhereThePolicyCouldNotBeSaved) {
  const auto route = [this](const Decision& decision) {
    const auto reading = protocol_.read("route example.net", {"uid 0"}, [](const Domain&) { return std::nullopt; });
    (void)protocol_.answer(*reading.question, decision);
  };
  const auto show = [this](const std::string& host) {
    const std::string rest = " 192.0.2.1 0 \"mode=enforce tlsa=0 san=" + host + '"';
    return *answers_.find("event \"tls:cert\" \"0\" example.net " + host + rest, {"uid 0"}).frame;
  };
  Decision decision;
  decision.kind = Decision::Kind::kPolicy;
  decision.mode = Mode::kEnforce;
  decision.domain = "example.net";
  decision.mx = {"mx.example.net"};
  EXPECT_EQ(show("other.example.net"), "OK \n") << "not routed by a policy";
  route(decision);
  EXPECT_THAT(show("other.example.net"), testing::StartsWith("OK the policy does not list this MX"));
  EXPECT_EQ(show("mx.example.net"), "OK \n");
  Decision full;
  full.kind = Decision::Kind::kDefer;
  route(full);
  EXPECT_EQ(show("mx.example.net"), "OK \n") << "another message had to wait, and this one was routed";
  route(no_policy("there is none any more"));
  EXPECT_EQ(show("other.example.net"), "OK \n");
}

TEST_F(EximCachedPolicy, WhenObservingAnUnlistedHostIsNotRefused) {
  server::Answers observing{{.protocol = protocol_,
                             .lookups = nullptr,
                             .store = store_,
                             .log = log_,
                             .metrics = metrics_,
                             .clock = &now,
                             .observe = true},
                            config_};
  const std::string event =
      R"(event "tls:cert" "0" example.com other.example.com 192.0.2.1 0 "mode=enforce san=other.example.com")";
  EXPECT_EQ(*observing.find(event, {"uid 0"}).frame, "OK \n");
}

}  // namespace
}  // namespace mtasts
